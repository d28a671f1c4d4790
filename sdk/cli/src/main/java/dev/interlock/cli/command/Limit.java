package dev.interlock.cli.command;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A number, or none for no limit. */
record Limit(@Nullable Integer number) implements ITypeConverter<Limit> {

    /** For picocli, to convert with. */
    Limit() {
        this(null);
    }

    @Override
    public Limit convert(String text) {
        if (text.equals("none")) {
            return new Limit(null);
        }
        try {
            return new Limit(Integer.valueOf(text));
        } catch (NumberFormatException e) {
            throw new TypeConversionException("\"" + text + "\" is neither a whole number nor none");
        }
    }
}

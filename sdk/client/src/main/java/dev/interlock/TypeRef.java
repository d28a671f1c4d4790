package dev.interlock;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;

/**
 * A type with its parameters, for answers that a {@code Class} cannot name.
 *
 * <pre>{@code
 * Map<String, Integer> counts = supabase.rpc("counts").as(new TypeRef<Map<String, Integer>>() {});
 * }</pre>
 *
 * @param <T> the type
 */
public abstract class TypeRef<T> {

    private final Type type;

    /** Takes the type from the subclass that {@code new TypeRef<…>() {}} is. */
    protected TypeRef() {
        if (!(getClass().getGenericSuperclass() instanceof ParameterizedType generic)) {
            throw new IllegalArgumentException("Write new TypeRef<SomeType>() {} with the type filled in.");
        }
        this.type = generic.getActualTypeArguments()[0];
    }

    /** The type. */
    public final Type type() {
        return type;
    }
}

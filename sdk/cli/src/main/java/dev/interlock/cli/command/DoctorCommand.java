package dev.interlock.cli.command;

import dev.interlock.Doctor;
import dev.interlock.Finding;
import dev.interlock.Finding.Severity;
import dev.interlock.cli.Console;
import dev.interlock.cli.ExitCode;
import dev.interlock.cli.Project;
import dev.interlock.cli.ProjectCommand;
import dev.interlock.cli.view.Paragraph;
import dev.interlock.cli.view.Styles;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jline.utils.AttributedString;
import org.jline.utils.AttributedStringBuilder;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code interlock doctor}: what is wrong, why it matters, what to do. */
@Command(
        name = "doctor",
        description = {
            "Looks for what is wrong with a project: key and connection, the installed SQL, who may do what, what an old system left,"
                    + " rows that nobody answers for, whether the work gets done. Changes nothing without --fix."
        },
        footer = {
            "docs/reference/doctor.md lists what it knows. Exit code 1 when there is an error or a warning.",
            "",
            "Examples:",
            "  interlock doctor",
            "  interlock doctor --fix          mend what can be mended safely",
            "  interlock doctor --json | jq -r '.findings[].id'"
        })
public final class DoctorCommand extends ProjectCommand {

    @Option(
            names = "--fix",
            description = "Mend what can be mended safely: take back rights, put back what is missing, sweep."
                    + " Nothing is deleted.")
    private boolean fix;

    @Override
    protected boolean takesAnyKey() {
        return true;
    }

    @Override
    protected int run(Project project, Console console) {
        Doctor doctor = Doctor.create(project.supabase());
        List<String> done = fix ? doctor.fix() : List.of();
        List<Finding> findings = doctor.examine();
        boolean healthy = findings.stream().allMatch(f -> f.severity() == Severity.NOTE);
        if (json()) {
            Map<String, Object> answer = new LinkedHashMap<>();
            answer.put("healthy", healthy);
            answer.put("fixed", done);
            answer.put("findings", findings.stream().map(DoctorCommand::values).toList());
            console.printJson(answer);
        } else {
            print(project, console, done, findings);
        }
        return healthy ? ExitCode.OK : ExitCode.NO;
    }

    private void print(Project project, Console console, List<String> done, List<Finding> findings) {
        int width = Math.min(console.width(), 110);
        console.print(Styles.heading(project.supabase().url()));
        for (String one : done) {
            Paragraph.lines("Fixed ", one, width).forEach(console::print);
        }
        if (fix && done.isEmpty()) {
            console.print("There was nothing that can be fixed without a person.");
        }
        findings.forEach(finding -> print(console, finding, width));
        console.print(Styles.plain(""));
        console.print(summary(findings));
    }

    private void print(Console console, Finding finding, int width) {
        console.print(Styles.plain(""));
        String word = finding.severity().name().toLowerCase(Locale.ROOT);
        AttributedString severity = switch (finding.severity()) {
            case ERROR -> Styles.bad(word);
            case WARNING -> Styles.warning(word);
            case NOTE -> Styles.faint(word);
        };
        console.print(new AttributedStringBuilder()
                .append(severity)
                .append("  ")
                .append(Styles.heading(finding.id()))
                .toAttributedString());
        Paragraph.lines("  ", finding.what(), width).forEach(console::print);
        Paragraph.lines("  Why: ", finding.why(), width).forEach(console::print);
        Paragraph.lines("  Do:  ", finding.todo() + (finding.fixable() ? " (--fix does it.)" : ""), width)
                .forEach(console::print);
        if (finding.sql() != null) {
            finding.sql().lines().forEach(line -> console.print("       " + line.replaceAll("\\p{Cntrl}", " ")));
        }
    }

    private static AttributedString summary(List<Finding> findings) {
        if (findings.isEmpty()) {
            return Styles.good("Nothing is wrong.");
        }
        long errors = count(findings, Severity.ERROR);
        long warnings = count(findings, Severity.WARNING);
        long fixable = findings.stream().filter(Finding::fixable).count();
        return Styles.plain(errors + (errors == 1 ? " error, " : " errors, ") + warnings
                + (warnings == 1 ? " warning, " : " warnings, ") + count(findings, Severity.NOTE) + " to know."
                + (fixable == 0 ? "" : " \"interlock doctor --fix\" mends " + fixable + "."));
    }

    private static long count(List<Finding> findings, Severity severity) {
        return findings.stream().filter(f -> f.severity() == severity).count();
    }

    private static Map<String, @Nullable Object> values(Finding finding) {
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        values.put("id", finding.id());
        values.put("severity", finding.severity().name().toLowerCase(Locale.ROOT));
        values.put("what", finding.what());
        values.put("why", finding.why());
        values.put("todo", finding.todo());
        values.put("sql", finding.sql());
        values.put("fixable", finding.fixable());
        return values;
    }
}

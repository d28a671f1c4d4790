package dev.interlock.testing;

import java.util.Objects;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Gives tests a {@link LocalSupabase} as a parameter: one for the whole test run, started when it is first asked for.
 *
 * <pre>{@code
 * @ExtendWith(LocalSupabaseExtension.class)
 * class MyTest {
 *     @Test
 *     void works(LocalSupabase local) { ... }
 * }
 * }</pre>
 */
public final class LocalSupabaseExtension implements ParameterResolver {

    private static final ExtensionContext.Namespace NAMESPACE = ExtensionContext.Namespace.create(LocalSupabase.class);

    /** Created by JUnit. */
    public LocalSupabaseExtension() {}

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == LocalSupabase.class;
    }

    @Override
    @SuppressWarnings("deprecation") // its replacement is not in JUnit 5, which users of this class may run
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        Shared shared = context.getRoot()
                .getStore(NAMESPACE)
                .getOrComputeIfAbsent("local", key -> new Shared(LocalSupabase.start()), Shared.class);
        return Objects.requireNonNull(shared).local();
    }

    /** Closed by JUnit at the end of the run; in JUnit 5 by the first interface, in JUnit 6 by the second. */
    @SuppressWarnings("deprecation")
    private record Shared(LocalSupabase local) implements ExtensionContext.Store.CloseableResource, AutoCloseable {
        @Override
        public void close() {
            local.close();
        }
    }
}

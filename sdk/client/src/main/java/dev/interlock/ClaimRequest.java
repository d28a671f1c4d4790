package dev.interlock;

import dev.interlock.internal.coordination.Checks;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which jobs to claim: how many, and those of which handlers and models. Immutable.
 *
 * <pre>{@code
 * ClaimRequest.of(8)
 * ClaimRequest.builder(8).handlers("image", "video").lease(Duration.ofMinutes(1)).build()
 * ClaimRequest.builder(8).handlerLimits(Map.of("image", 8, "video", 2)).build()
 * }</pre>
 */
public final class ClaimRequest {
    private final int maxJobs;
    private final List<String> handlers;
    private final Map<String, Integer> handlerLimits;
    private final List<String> models;
    private final @Nullable Duration lease;

    private ClaimRequest(Builder builder) {
        this.maxJobs = builder.maxJobs;
        this.handlers = builder.handlers;
        this.handlerLimits = builder.handlerLimits;
        this.models = builder.models;
        this.lease = builder.lease;
    }

    /**
     * Any jobs, at most so many, for the coordinator's lease time.
     *
     * @param maxJobs 1 to 1,000
     * @throws InvalidRequestException when the number is out of range
     */
    public static ClaimRequest of(int maxJobs) {
        return builder(maxJobs).build();
    }

    /**
     * A builder.
     *
     * @param maxJobs at most so many jobs, 1 to 1,000
     * @throws InvalidRequestException when the number is out of range
     */
    public static Builder builder(int maxJobs) {
        return new Builder(maxJobs);
    }

    /** At most so many jobs. */
    public int maxJobs() {
        return maxJobs;
    }

    /** Only jobs with one of these handlers; empty means any. */
    public List<String> handlers() {
        return handlers;
    }

    /** Of each of these handlers at most so many jobs, in the order given; empty when there are no such limits. */
    public Map<String, Integer> handlerLimits() {
        return handlerLimits;
    }

    /** Only jobs whose models are all among these; empty means any. */
    public List<String> models() {
        return models;
    }

    /** How long the leases last; null means the coordinator's lease time. */
    public @Nullable Duration lease() {
        return lease;
    }

    /** Builds a {@link ClaimRequest}. Not thread-safe. */
    public static final class Builder {
        private final int maxJobs;
        private List<String> handlers = List.of();
        private Map<String, Integer> handlerLimits = Map.of();
        private List<String> models = List.of();
        private @Nullable Duration lease;

        private Builder(int maxJobs) {
            this.maxJobs = Checks.maxJobs(maxJobs);
        }

        /** Only jobs with one of these handlers. */
        public Builder handlers(String... names) {
            return handlers(Arrays.asList(names));
        }

        /** Only jobs with one of these handlers. */
        public Builder handlers(Collection<String> names) {
            this.handlers = Checks.handlers(names);
            this.handlerLimits = Map.of();
            return this;
        }

        /**
         * Only jobs with one of these handlers, and of each at most so many, 0 to 1,000. A handler with 0 is one that the
         * claimer runs, but not now: its jobs wait for it.
         */
        public Builder handlerLimits(Map<String, Integer> limits) {
            Map<String, Integer> copy = new LinkedHashMap<>();
            limits.forEach((name, limit) -> copy.put(name, Checks.range("The limit of " + name, limit, 0, 1000)));
            this.handlers = Checks.handlers(copy.keySet());
            this.handlerLimits = Collections.unmodifiableMap(copy);
            return this;
        }

        /** Only jobs whose models are all among these. */
        public Builder models(String... names) {
            return models(Arrays.asList(names));
        }

        /** Only jobs whose models are all among these. */
        public Builder models(Collection<String> names) {
            this.models = Checks.modelFilter(names);
            return this;
        }

        /** How long the leases last, 1 second to 1 hour. */
        public Builder lease(Duration duration) {
            this.lease = Checks.lease(duration);
            return this;
        }

        /** The request. */
        public ClaimRequest build() {
            return new ClaimRequest(this);
        }
    }
}

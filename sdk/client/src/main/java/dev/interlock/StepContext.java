package dev.interlock;

import java.util.List;

/** What a step of a workflow knows: its job, itself, and the outputs of the steps before it. Thread-safe. */
public interface StepContext {
    /** The job that the workflow runs as. Its {@code attempt()} counts the attempts of all steps together. */
    JobContext job();

    /** The step. */
    WorkflowStep step();

    /** Its place among the steps, from 0. */
    int index();

    /**
     * Which attempt of this step it is, from 1. A run that ended without a word (its worker was killed) counts; one that was
     * given back by a worker that closed does not.
     */
    int attempt();

    /** The models that the step uses, which the job holds; empty when it needs none. */
    default List<String> models() {
        return step().models();
    }

    /**
     * The model that the step uses, which the job holds.
     *
     * @throws IllegalStateException when it uses none, or several
     */
    default String model() {
        if (models().size() != 1) {
            throw new IllegalStateException(
                    "The step \"" + step().name() + "\" uses " + models() + "; ask for models().");
        }
        return models().get(0);
    }

    /**
     * The key of this attempt of this step, for a provider that takes one: {@code jobId:index:attempt}. A run that is
     * repeated at no cost of an attempt has the same key, so it is not paid twice. Another attempt has another key, because a
     * provider that failed under a key may answer with that failure for ever; see {@link #stepKey()} for the other choice.
     */
    default String idempotencyKey() {
        return stepKey() + ":" + attempt();
    }

    /**
     * The key of this step in all its attempts: {@code jobId:index}. With a provider that knows its requests by such a key, a
     * worker that is killed after it has submitted and before its output is saved leads to no second request: look the
     * request up by this key before you submit.
     */
    default String stepKey() {
        return job().jobId() + ":" + index();
    }

    /**
     * The output of an earlier step as an object of yours. Always a copy: it has been written as JSON in between.
     *
     * @throws FatalJobException when there is no such step before this one, it was passed over, had no output, or its output
     *     does not fit the class
     */
    <T> T output(String stepName, Class<T> type);

    /** Whether an earlier step has an output: false when it was passed over or returned null. */
    boolean hasOutput(String stepName);

    /**
     * The output of the last step before this one that was not passed over; see {@link #output}.
     *
     * @throws FatalJobException when there is none, its output is missing, or it does not fit the class
     */
    <T> T previousOutput(Class<T> type);
}

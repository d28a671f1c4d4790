package dev.interlock;

/** What a step of a workflow knows: its job, itself, and the outputs of the steps before it. Thread-safe. */
public interface StepContext {
    /** The job that the workflow runs as. */
    JobContext job();

    /** The step. */
    WorkflowStep step();

    /** Its place among the steps, from 0. */
    int index();

    /** The model that it uses, which the job holds. */
    default String model() {
        return step().model();
    }

    /**
     * The output of an earlier step as an object of yours. Always a copy: it has been written as JSON in between.
     *
     * @throws FatalJobException when there is no such step before this one, or its output does not fit the class
     */
    <T> T output(String stepName, Class<T> type);

    /**
     * The output of the step right before this one; see {@link #output}.
     *
     * @throws FatalJobException when this is the first step, or the output does not fit the class
     */
    <T> T previousOutput(Class<T> type);
}

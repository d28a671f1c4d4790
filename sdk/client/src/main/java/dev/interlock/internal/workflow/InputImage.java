package dev.interlock.internal.workflow;

import dev.interlock.FatalJobException;
import dev.interlock.JobContext;
import dev.interlock.WorkflowStep;
import dev.interlock.internal.coordination.Json;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Whether a job names the image that a step of it needs, in one of the ways in which the predecessor's did. */
final class InputImage {
    private InputImage() {}

    /** Fails the job for good, before anything has been paid for, when a step that is left needs an image and there is none. */
    static void require(JobContext job, List<WorkflowStep> left) {
        for (WorkflowStep step : left) {
            if (step.requiresInputImage() && !isNamed(job.lease().payloadJson())) {
                throw new FatalJobException(
                        "Step \"" + step.name() + "\" requires an input image, and the payload of job \""
                                + job.jobId() + "\" names none: give its address, or an object with \"image_url\" or"
                                + " \"input_image_url\".");
            }
        }
    }

    static boolean isNamed(@Nullable String payloadJson) {
        if (payloadJson == null) {
            return false;
        }
        JsonNode payload = Json.tree("The payload", payloadJson);
        return isAddress(payload) || isAddress(payload.path("image_url")) || isAddress(payload.path("input_image_url"));
    }

    private static boolean isAddress(JsonNode value) {
        if (value.isArray()) {
            return !value.isEmpty() && isAddress(value.get(0));
        }
        return value.isString() && !value.asString().isBlank();
    }
}

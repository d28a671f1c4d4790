package dev.interlock.it.workflow;

import static org.assertj.core.api.Assertions.assertThat;

import dev.interlock.JobExplanation;
import dev.interlock.JobStatus;
import dev.interlock.OutcomeStatus;
import dev.interlock.WorkflowDefinition;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Workflows that come as rows of {@code jobs}: new ones, and those that the predecessor left in the middle. */
class AdoptionTest extends WorkflowTestBase {
    private final UUID jobId = UUID.randomUUID();

    /** The predecessor's file, with models of this test's own. */
    private WorkflowDefinition knight() {
        String file = """
                {"id": "%s", "name": "Knight style", "enabled": true, "steps": [
                  {"id": "style", "type": "image", "default_model": "%s", "provider": "vision-aicc", "requires_input_image": true},
                  {"id": "upscale", "type": "upscale", "model": "%s", "timeout_seconds": 600},
                  {"id": "video", "type": "video", "default_model": "%s"}]}
                """.formatted(name("knight"), name("gemini"), name("clipdrop"), name("ltx2"));
        return WorkflowDefinition.fromJson(file)
                .handler("style", step -> {
                    called.add("style of " + step.job().payload(Input.class).image_url());
                    return new Image("styled.png");
                })
                .handlerForType("upscale", step -> {
                    called.add("upscale " + step.attempt() + " of "
                            + step.previousOutput(Image.class).url() + " for "
                            + step.job().payload(Input.class).image_url());
                    return new Image("upscaled.png");
                })
                .handler(
                        "video",
                        step -> new Video(
                                "1.mp4", step.output("upscale", Image.class).url()))
                .build();
    }

    record Input(String image_url) {}

    @Test
    @DisplayName("An execution that Python left after its first step goes on with the second (F93, F105)")
    void f93_f105_pythonExecution() throws Exception {
        WorkflowDefinition knight = knight();
        insert(knight, "{\"image_url\": \"https://x/other.png\"}", """
                {"_input": {"image_url": "https://x/in.png", "gender_version": "male"},
                 "0": {"step_name": "style", "step_type": "image", "status": "completed", "output": {"url": "python.png"},
                       "error": null, "retry_count": 0, "started_at": "2026-03-25T10:00:00Z", "completed_at": "2026-03-25T10:00:09Z"},
                 "1": {"step_name": "upscale", "status": "failed_retryable", "output": null, "error": "timeout", "retry_count": 2}}
                """);
        Heard heard = new Heard(1);
        closing(worker(heard, knight).build()).start();
        heard.awaitRuns();

        assertThat(heard.statuses).containsExactly(OutcomeStatus.COMPLETED);
        assertThat(called).containsExactly("upscale 1 of python.png for https://x/in.png");
        assertThat(heard.steps).containsExactly("upscale", "video");
        JobExplanation job = others.explain(jobId.toString());
        assertThat(job.status()).isEqualTo(JobStatus.COMPLETED);
        assertThat(job.result(Video.class)).isEqualTo(new Video("1.mp4", "upscaled.png"));
        assertThat(query("select count(*) from public.workflow_executions where job_id = ?"))
                .isEqualTo("1");
        assertThat(
                        query(
                                "select concat_ws(' ', status, current_step, total_steps) from public.workflow_executions where job_id = ?"))
                .isEqualTo("completed 3 3");
        assertThat(query("select checkpoints #>> '{0,output,url}' from public.workflow_executions where job_id = ?"))
                .isEqualTo("python.png");
        assertThat(query("select checkpoints #>> '{2,output,url}' from public.workflow_executions where job_id = ?"))
                .isEqualTo("1.mp4");
        assertThat(
                        query(
                                "select concat_ws(' ', status, progress, completed_at is not null) from public.jobs where job_id = ?"))
                .isEqualTo("completed 100 t");
    }

    @Test
    @DisplayName(
            "A workflow that an application inserts as a row is run with its steps, and has one execution (F71, F108)")
    void f71_f108_insertedRow() throws Exception {
        WorkflowDefinition knight = knight();
        insert(knight, null, "{\"_input\": \"https://x/in.png\"}");
        Heard heard = new Heard(1);
        closing(worker(
                                heard,
                                WorkflowDefinition.builder(knight.id())
                                        .step(
                                                "style",
                                                s -> s.model(name("gemini"))
                                                        .requiresInputImage()
                                                        .handler(step -> called.add(
                                                                step.job().payload(String.class))))
                                        .step("upscale", name("clipdrop"), step -> called.add("upscale"))
                                        .step("video", name("ltx2"), step -> "done")
                                        .build())
                        .build())
                .start();
        heard.awaitRuns();

        assertThat(heard.statuses).containsExactly(OutcomeStatus.COMPLETED);
        assertThat(called).containsExactly("https://x/in.png", "upscale");
        assertThat(query("select count(*) from public.workflow_executions where job_id = ?"))
                .isEqualTo("1");
        assertThat(query("select concat_ws(' ', status, current_step, total_steps, checkpoints #>> '{2,step_name}')"
                        + " from public.workflow_executions where job_id = ?"))
                .isEqualTo("completed 3 3 video");
    }

    /** A row of {@code jobs} that the trigger puts in line, and the execution as the predecessor left it. */
    private void insert(WorkflowDefinition knight, @Nullable String metadata, String checkpoints) throws SQLException {
        String models = List.of("gemini", "clipdrop", "ltx2").stream()
                .map(model -> "\"" + name(model) + "\"")
                .toList()
                .toString();
        try (Connection connection = local.openConnection()) {
            connection.setAutoCommit(false);
            try (PreparedStatement job = connection.prepareStatement(
                            "insert into public.jobs (job_id, prompt, model, job_type, status, required_models, metadata)"
                                    + " values (?, 'a knight', ?, 'workflow', 'pending_retry', ?::jsonb, coalesce(?::jsonb, '{}'))");
                    PreparedStatement execution = connection.prepareStatement(
                            "insert into public.workflow_executions (job_id, workflow_id, current_step, total_steps, status, checkpoints)"
                                    + " values (?, ?, 1, 3, 'pending_retry', ?::jsonb)")) {
                job.setObject(1, jobId);
                job.setString(2, knight.id());
                job.setString(3, models);
                job.setString(4, metadata);
                job.executeUpdate();
                execution.setObject(1, jobId);
                execution.setString(2, knight.id());
                execution.setString(3, checkpoints);
                execution.executeUpdate();
            }
            connection.commit();
        }
    }

    private @Nullable String query(String sql) throws SQLException {
        try (Connection connection = local.openConnection();
                PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setObject(1, jobId);
            try (ResultSet row = statement.executeQuery()) {
                assertThat(row.next()).isTrue();
                return row.getString(1);
            }
        }
    }
}

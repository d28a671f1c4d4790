package dev.interlock.it.worker;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import okhttp3.Interceptor;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okhttp3.ResponseBody;
import okio.Buffer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What an SDK sent and was answered on the day of its release. Sent again, the present SQL must answer with everything that was in those answers, in
 * the same words: then an application that has not been upgraded goes on.
 */
final class ReleasedCalls {

    private static final JsonMapper JSON =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
    private static final MediaType TYPE = MediaType.get("application/json");

    // Words that decide what an application does; other texts and all numbers may differ.
    private static final Set<String> WORDS =
            Set.of("result", "status", "job_id", "job_type", "handler", "model", "models", "holding");

    private record Recorded(String function, JsonNode body, JsonNode answer) {}

    private ReleasedCalls() {}

    static Path file(String version) {
        return Path.of("src/test/resources/released", version + ".json");
    }

    /** Writes down all that goes over a client's wire. */
    static final class Recorder implements Interceptor {
        private final List<Recorded> calls = new ArrayList<>();

        @Override
        public Response intercept(Chain chain) throws IOException {
            Request request = chain.request();
            Buffer sent = new Buffer();
            RequestBody body = request.body();
            if (body != null) {
                body.writeTo(sent);
            }
            Response response = chain.proceed(request);
            ResponseBody answer = response.body();
            String text = answer.string();
            calls.add(new Recorded(
                    request.url().pathSegments().get(request.url().pathSize() - 1),
                    JSON.readTree(sent.readUtf8()),
                    JSON.readTree(text)));
            return response.newBuilder()
                    .body(ResponseBody.create(text, answer.contentType()))
                    .build();
        }

        void write(Path file) throws IOException {
            ArrayNode all = JSON.createArrayNode();
            for (Recorded call : calls) {
                ObjectNode one = all.addObject();
                one.put("function", call.function);
                one.set("body", call.body);
                one.set("answer", call.answer);
            }
            Files.createDirectories(file.getParent());
            Files.writeString(file, JSON.writeValueAsString(all) + "\n");
        }
    }

    /** Sends them again, in order; what of the old answers is missing in the new ones, or says something else. */
    static List<String> replay(Path file, String url, String key) throws IOException {
        OkHttpClient http = new OkHttpClient();
        List<String> wrong = new ArrayList<>();
        Map<Long, Long> tokens = new HashMap<>();
        int number = 0;
        for (JsonNode call : JSON.readTree(Files.readString(file))) {
            number++;
            String function = call.path("function").asString();
            JsonNode body = withTokens(call.path("body").deepCopy(), tokens);
            Request request = new Request.Builder()
                    .url(url + "/rest/v1/rpc/" + function)
                    .header("apikey", key)
                    .post(RequestBody.create(body.toString(), TYPE))
                    .build();
            try (Response response = http.newCall(request).execute()) {
                JsonNode answer = JSON.readTree(response.body().string());
                if (!response.isSuccessful()) {
                    wrong.add(number + " " + function + ": " + answer);
                } else {
                    compare(number + " " + function, call.path("answer"), answer, tokens, wrong);
                }
            }
        }
        assert number > 0 : "no calls in " + file;
        return wrong;
    }

    private static JsonNode withTokens(JsonNode body, Map<Long, Long> tokens) {
        if (body instanceof ObjectNode object) {
            for (String name : List.copyOf(object.propertyNames())) {
                JsonNode value = object.path(name);
                if (name.equals("token") && value.isNumber()) {
                    object.put(name, tokens.getOrDefault(value.asLong(), value.asLong()));
                } else {
                    withTokens(value, tokens);
                }
            }
        } else if (body.isArray()) {
            body.forEach(element -> withTokens(element, tokens));
        }
        return body;
    }

    private static void compare(String where, JsonNode then, JsonNode now, Map<Long, Long> tokens, List<String> wrong) {
        if (then.isObject() && now.isObject()) {
            for (String name : then.propertyNames()) {
                String at = where + "." + name;
                if (!now.has(name)) {
                    wrong.add(at + " is missing");
                } else if (name.equals("token")) {
                    tokens.put(then.path(name).asLong(), now.path(name).asLong());
                } else if (WORDS.contains(name)
                        && !then.path(name).isContainer()
                        && !then.path(name).equals(now.path(name))) {
                    wrong.add(at + " was " + then.path(name) + " and is " + now.path(name));
                } else {
                    compare(at, then.path(name), now.path(name), tokens, wrong);
                }
            }
        } else if (then.isArray() && now.isArray()) {
            for (int i = 0; i < Math.min(then.size(), now.size()); i++) {
                compare(where + "[" + i + "]", then.path(i), now.path(i), tokens, wrong);
            }
            if (then.size() > now.size()) {
                wrong.add(where + " had " + then.size() + " and has " + now.size());
            }
        } else if (!then.isNull() && !now.isNull() && then.getNodeType() != now.getNodeType()) {
            wrong.add(where + " was " + then.getNodeType() + " and is " + now.getNodeType());
        }
    }
}

#include "app.h"
#include "client.h"

static void append_function(struct buf *out, const struct scenario *scenario, uint16_t app_port) {
	buf_printf(out,
		   "{\"id\":\"" SCENARIO_APP "-%s\",\"name\":\"%s\",\"triggers\":[{\"event\":\"" SCENARIO_APP "/%s\"}],"
		   "\"steps\":{\"step\":{\"id\":\"step\",\"name\":\"step\",\"runtime\":{\"type\":\"http\","
		   "\"url\":\"http://127.0.0.1:%u/api/inngest?fnId=" SCENARIO_APP "-%s&stepId=step\"}}}}",
		   scenario->name, scenario->name, scenario->name, app_port, scenario->name);
	if (scenario->flow == NULL) return;
	out->len--; // before the closing brace
	buf_printf(out, ",%s}", scenario->flow);
}

enum err app_register(uint16_t server_port, uint16_t app_port, struct error *error) {
	struct client client;
	struct buf body;
	buf_init(&body, 65536);
	buf_printf(&body,
		   "{\"url\":\"http://127.0.0.1:%u/api/inngest\",\"deployType\":\"ping\",\"framework\":\"bench\","
		   "\"appName\":\"" SCENARIO_APP "\",\"sdk\":\"js:v3.54.2\",\"v\":\"0.1\",\"functions\":[",
		   app_port);
	for (unsigned i = 0; i < SCENARIO_COUNT; i++) {
		if (i > 0) buf_byte(&body, ',');
		append_function(&body, &scenarios[i], app_port);
	}
	buf_lit(&body, "]}");
	client_init(&client, server_port, 30);
	enum err err = client_exchange(&client, "POST", "/fn/register", buf_view(&body), NULL, error);
	client_free(&client);
	buf_free(&body);
	return err;
}

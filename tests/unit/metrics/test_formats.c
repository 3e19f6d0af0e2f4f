/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for every family, and what OpenMetrics has otherwise. */
#include "inventory.h"
#include "metrics/families.h"

static const char *const as_openmetrics[] = {
    "# TYPE sendpost info",
    "# TYPE sendpost_label info",
    "# TYPE sendpost_state stateset",
    "# TYPE sendpost_runs counter",
    "# HELP sendpost_runs Runs that ended, by what triggered them.",
    "# TYPE sendpost_run_duration_seconds histogram",
    "# UNIT sendpost_run_duration_seconds seconds",
    "# UNIT process_cpu_seconds seconds",
    "# UNIT process_resident_memory_bytes bytes",
    "sendpost_info{sendpost=\"daily\",owner=\"the \\\"data\\\" team\",file=\"daily.yaml\"} 1",
    "sendpost_runs_total{sendpost=\"daily\",trigger=\"api\"} 3",
    "sendpost_run_duration_seconds_bucket{sendpost=\"daily\",le=\"5.0\"} 1",
    "sendpost_run_duration_seconds_bucket{sendpost=\"daily\",le=\"15.0\"} 2 # {run_id=\"run-15\"} 12.5 1700000000.5",
    "sendpost_run_duration_seconds_bucket{sendpost=\"daily\",le=\"43200.0\"} 2",
    "sendpost_run_duration_seconds_bucket{sendpost=\"daily\",le=\"+Inf\"} 3 # {run_id=\"run-inf\"} 50000 1700000001",
    "sendpost_run_duration_seconds_sum{sendpost=\"daily\"} 12.25",
    "sendpost_run_duration_seconds_count{sendpost=\"daily\"} 3",
    "process_cpu_seconds_total 0",
    NULL,
};

static void openmetrics_has_its_own_names_and_exemplars(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture);
    Sendpost *sendpost = fixture_load(&fixture, "daily.yaml", daily);
    live(sendpost);
    sendpost->exemplars = memory_new((DURATION_BUCKETS + 1) * sizeof *sendpost->exemplars);
    sendpost->exemplars[1] = (Exemplar){"run-15", 12500, 1700000000500};
    sendpost->exemplars[DURATION_BUCKETS] = (Exemplar){"run-inf", 50000000, 1700000001000};
    char *text = fixture_text_as(&fixture, METRICS_OPENMETRICS);
    char *cpu = strstr(text, "\nprocess_cpu_seconds_total ") + strlen("\nprocess_cpu_seconds_total ");
    memmove(cpu + 1, strchr(cpu, '\n'), strlen(strchr(cpu, '\n')) + 1);
    *cpu = '0';
    assert_lines(text, as_openmetrics);
    assert_int_equal(count_of(text, "# UNIT sendpost_state"), 0);
    assert_int_equal(count_of(text, "# EOF"), 1);
    assert_string_equal(text + strlen(text) - strlen("\n# EOF\n"), "\n# EOF\n");
    free(text);
    text = fixture_text(&fixture);
    assert_int_equal(count_of(text, "run-15"), 0);
    assert_int_equal(count_of(text, "# EOF") + count_of(text, "# UNIT"), 0);
    free(text);
    fixture_release(&fixture);
}

static void the_size_is_known_beforehand(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture);
    for (int i = 0; i < 3; i++) {
        Snapshot *snapshot = fixture_snapshot(&fixture);
        for (int format = 0; format < METRICS_FORMATS; format++) {
            char *text = exposition_text(exposition_new(snapshot, (MetricsFormat)format), 4096);
            assert_int_equal(strlen(text), snapshot_size(snapshot, (MetricsFormat)format));
            free(text);
        }
        snapshot_release(snapshot);
        char *name = text_format("%d.yaml", i), *definition = text_format("name: s%d\n%s", i, strchr(daily, '\n') + 1);
        live(fixture_load(&fixture, name, definition));
        free(name);
        free(definition);
    }
    fixture_release(&fixture);
}

/* The names of a line's labels, as the table lists them. */
static char *label_names(const char *line)
{
    Buffer names;
    buffer_init(&names, 4096);
    buffer_text(&names, "");
    const char *at = line + strcspn(line, "{ \n");
    while (*at == '{' || *at == ',') {
        size_t length = strcspn(++at, "=");
        buffer_text(&names, names.length ? ", " : "");
        buffer_append(&names, at, length);
        for (at += length + 2; *at != '"'; at++) {
            at += *at == '\\';
        }
        at++;
    }
    return buffer_take(&names);
}

static void assert_labels(const Family *family, const char *line)
{
    bool is_bucket = strncmp(line + strlen(family->name), "_bucket", 7) == 0;
    const char *own = is_bucket ? "le" : family->label;
    const char *common = scope_labels[family->scope];
    char *expected = text_format("%s%s%s", common, *common && own ? ", " : "", own ? own : "");
    char *names = label_names(line);
    assert_string_equal(names, expected);
    free(names);
    free(expected);
}

/* The rules of the format that hold for every line: families in the order of the table, each once, its lines right
 * after HELP and TYPE. */
static void families_are_contiguous_and_declared(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture);
    live(fixture_load(&fixture, "daily.yaml", daily));
    Inventory *inventory = fixture_inventory(fixture.now);
    fixture.sources.inventory = inventory;
    char *text = fixture_text(&fixture);
    const char *line = text;
    for (const Family *family = families; family < families + family_count; family++) {
        char *help = text_format("# HELP %s %s\n", family->name, family->help);
        char *type = text_format("# TYPE %s %s\n", family->name, metric_type_names[METRICS_TEXT][family->type]);
        assert_memory_equal(line, help, strlen(help));
        line += strlen(help);
        assert_memory_equal(line, type, strlen(type));
        line += strlen(type);
        for (; *line && *line != '#'; line = strchr(line, '\n') + 1) {
            assert_memory_equal(line, family->name, strlen(family->name));
            assert_non_null(memchr("{ _", line[strlen(family->name)], 3));
            assert_labels(family, line);
        }
        free(help);
        free(type);
    }
    assert_int_equal(*line, '\0');
    free(text);
    inventory_free(inventory);
    fixture_release(&fixture);
}

static void the_table_keeps_the_rules_of_names(void **state)
{
    (void)state;
    for (const Family *family = families; family < families + family_count; family++) {
        size_t length = strlen(family->name);
        bool is_total = length > 6 && strcmp(family->name + length - 6, "_total") == 0;
        assert_int_equal(is_total, family->type == METRIC_COUNTER);
        assert_null(strpbrk(family->help, "\\\n\""));
        assert_int_equal(family->help[strlen(family->help) - 1], '.');
        for (const Family *other = families; other < family; other++) {
            assert_string_not_equal(family->name, other->name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openmetrics_has_its_own_names_and_exemplars),
        cmocka_unit_test(the_size_is_known_beforehand),
        cmocka_unit_test(families_are_contiguous_and_declared),
        cmocka_unit_test(the_table_keeps_the_rules_of_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

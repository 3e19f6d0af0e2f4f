/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "fixture.h"

static const char *const after_live[] = {
    "# HELP sendpost_state State of the active run, else of the run that ended last: exactly one is 1.",
    "# TYPE sendpost_state gauge",
    "# TYPE sendpost_runs_total counter",
    "# TYPE sendpost_run_duration_seconds histogram",
    "# TYPE sendpost_stage_duration_seconds summary",
    "sendpost_info{sendpost=\"daily\",owner=\"the \\\"data\\\" team\",file=\"sub/daily.yaml\"} 1",
    "sendpost_label_info{sendpost=\"daily\",label=\"tier\",value=\"a\\\\b\"} 1",
    "sendpost_label_info{sendpost=\"daily\",label=\"empty\",value=\"\"} 1",
    "sendpost_enabled{sendpost=\"daily\"} 1",
    "sendpost_state{sendpost=\"daily\",sendpost_state=\"never_run\"} 1",
    "sendpost_state{sendpost=\"daily\",sendpost_state=\"failed\"} 0",
    "sendpost_state_code{sendpost=\"daily\"} 0",
    "sendpost_runs_total{sendpost=\"daily\",trigger=\"api\"} 3",
    "sendpost_runs_total{sendpost=\"daily\",trigger=\"retry\"} 0",
    "sendpost_run_failures_total{sendpost=\"daily\",reason=\"failed\"} 1",
    "sendpost_run_cancellations_total{sendpost=\"daily\"} 1",
    "sendpost_run_duration_seconds_bucket{sendpost=\"daily\",le=\"5.0\"} 1",
    "sendpost_run_duration_seconds_bucket{sendpost=\"daily\",le=\"15.0\"} 2",
    "sendpost_run_duration_seconds_bucket{sendpost=\"daily\",le=\"43200.0\"} 2",
    "sendpost_run_duration_seconds_bucket{sendpost=\"daily\",le=\"+Inf\"} 3",
    "sendpost_run_duration_seconds_sum{sendpost=\"daily\"} 12.25",
    "sendpost_run_duration_seconds_count{sendpost=\"daily\"} 3",
    "sendpost_run_start_delay_seconds_bucket{sendpost=\"daily\",le=\"1.0\"} 0",
    "sendpost_run_start_timestamp_seconds{sendpost=\"daily\"} 0",
    "sendpost_last_run_start_timestamp_seconds{sendpost=\"daily\"} 1699999000",
    "sendpost_last_failure_timestamp_seconds{sendpost=\"daily\"} 1699999999.999",
    "sendpost_next_run_timestamp_seconds{sendpost=\"daily\"} 1700028000",
    "sendpost_first_seen_timestamp_seconds{sendpost=\"daily\"} 1700000000",
    "sendpost_freshness_objective_seconds{sendpost=\"daily\"} 172800",
    "sendpost_deadline_objective_seconds{sendpost=\"daily\"} 7200",
    "sendpost_success_due_timestamp_seconds{sendpost=\"daily\"} 1699948800",
    "sendpost_timeout_seconds{sendpost=\"daily\"} 5400",
    "sendpost_last_failure_info{sendpost=\"daily\",stage_name=\"deliver/email\",task=\"it "
    "\\\"explodes\\\"\",reason=\"failed\"} 1",
    "sendpost_last_failure_run_info{sendpost=\"daily\",run_id=\"run\",flow_run_id=\"flow-run\"} 1",
    "sendpost_stage_info{sendpost=\"daily\",stage_name=\"extract\",kind=\"observe\",deployment=\"etl/"
    "extract\",deployment_id=\"\"} 1",
    "sendpost_stage_info{sendpost=\"daily\",stage_name=\"deliver/email\",kind=\"run\",deployment=\"mailing/"
    "email\",deployment_id=\"deployment\"} 1",
    "sendpost_stage_state{sendpost=\"daily\",stage_name=\"deliver/email\",sendpost_stage_state=\"failed\"} 1",
    "sendpost_stage_state{sendpost=\"daily\",stage_name=\"deliver/push/send\",sendpost_stage_state=\"never_run\"} "
    "1",
    "sendpost_stage_state_code{sendpost=\"daily\",stage_name=\"deliver/email\"} 9",
    "sendpost_stage_duration_seconds_sum{sendpost=\"daily\",stage_name=\"deliver/email\"} 10.001",
    "sendpost_stage_duration_seconds_count{sendpost=\"daily\",stage_name=\"deliver/email\"} 4",
    "sendpost_stage_last_duration_seconds{sendpost=\"daily\",stage_name=\"deliver/email\"} 0.001",
    "sendpost_stage_expected_duration_seconds{sendpost=\"daily\",stage_name=\"deliver/email\"} 90",
    "sendpost_stage_failures_total{sendpost=\"daily\",stage_name=\"deliver/email\"} 2",
    "sendpost_stage_retries_total{sendpost=\"daily\",stage_name=\"deliver/email\"} 1",
    "sendpost_stage_reference_ok{sendpost=\"daily\",stage_name=\"extract\"} 1",
    "sendpost_definition_error{file=\"sub/daily.yaml\"} 0",
    NULL,
};

static void shows_what_happened(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture);
    live(fixture_load(&fixture, "sub/daily.yaml", daily));
    char *text = fixture_text(&fixture);
    assert_lines(text, after_live);
    assert_int_equal(count_of(text, "\nsendpost_stage_retries_total{"), 3); /* groups have none */
    free(text);
    fixture_release(&fixture);
}

static void shows_the_agent(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture);
    fixture.prefect = (PrefectStatistics){.up = true,
                                          .version = "3.8.8",
                                          .circuit = CIRCUIT_HALF_OPEN,
                                          .last_success_at = 1500,
                                          .requests = {7},
                                          .in_flight = 2,
                                          .poll_interval_ms = 2500};
    fixture.prefect.failures[0][CAUSE_TIMEOUT] = 5;
    fixture.journal.commit_duration_counts[10] = 1;
    fixture.journal.commit_duration_sum = 0.1;
    http_statistics_add(&fixture.http, 0, 200, 0.25);
    loop_statistics_add(&fixture.loop, 0.5);
    fixture_step(&fixture, &(Happening){.kind = HAPPENED_BROKEN,
                                        .file = {.file = "bad\xFF.yaml", .message = "no", .line = 1, .column = 1}});
    char *text = fixture_text(&fixture);
    char endpoint[256];
    snprintf(endpoint, sizeof endpoint, "sendpost_prefect_request_failures_total{endpoint=\"%s\",cause=\"timeout\"} 5",
             endpoint_names[0]);
    const char *const lines[] = {
        endpoint,
        "sendpost_prefect_up 1",
        "sendpost_prefect_info{version=\"3.8.8\",api_url=\"http://prefect/api\"} 1",
        "sendpost_prefect_requests_in_flight 2",
        "sendpost_prefect_last_success_timestamp_seconds 1.5",
        "sendpost_prefect_poll_interval_seconds 2.5",
        "sendpost_prefect_circuit_state{sendpost_prefect_circuit_state=\"closed\"} 0",
        "sendpost_prefect_circuit_state{sendpost_prefect_circuit_state=\"half_open\"} 1",
        "sendpost_flow_runs_created_total 0",
        "sendpost_definition_error{file=\"bad\\\\xff.yaml\"} 1",
        "sendpost_definitions_revision_info{applied=\"abc\",attempted=\"abc\"} 1",
        "sendpost_journal_writable 1",
        "sendpost_journal_size_bytes 4096",
        "sendpost_journal_commit_duration_seconds_sum 0.1",
        "sendpost_journal_commit_duration_seconds_bucket{le=\"+Inf\"} 1",
        "sendpost_http_requests_total{handler=\"/metrics\",code=\"200\"} 1",
        "sendpost_http_requests_total{handler=\"/metrics\",code=\"503\"} 0",
        "sendpost_http_request_duration_seconds_bucket{handler=\"/metrics\",le=\"0.1\"} 0",
        "sendpost_http_request_duration_seconds_bucket{handler=\"/metrics\",le=\"1.0\"} 1",
        "sendpost_loop_lag_seconds_bucket{le=\"0.5\"} 1",
        "sendpost_loop_lag_seconds_sum 0.5",
        "sendpost_agent_info{namespace=\"ns\",external_url=\"http://agent\"} 1",
        "process_start_time_seconds 1699999999.25",
        NULL,
    };
    assert_lines(text, lines);
    assert_int_equal(count_of(text, "sendpost_log_messages_total{"), LOG_LEVELS);
    free(text);
    fixture_release(&fixture);
}

static void everything_is_there_from_the_start(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture);
    fixture_load(&fixture, "daily.yaml", daily);
    char *text = fixture_text(&fixture);
    assert_int_equal(count_of(text, "\nsendpost_run_failures_total{"), REASONS - 1);
    assert_int_equal(count_of(text, "\nsendpost_ticks_total{"), VERDICTS);
    assert_int_equal(count_of(text, "\nsendpost_triggers_refused_total{"), REFUSALS);
    assert_int_equal(count_of(text, "\nsendpost_state{"), 9);
    assert_int_equal(count_of(text, "\nsendpost_stage_state{"), (size_t)3 * STATES);
    assert_int_equal(count_of(text, "\nsendpost_last_failure_info{"), 0);
    assert_int_equal(count_of(text, "# TYPE sendpost_last_failure_info gauge\n"), 1);
    assert_null(strstr(text, "nan"));
    free(text);
    fixture_release(&fixture);
}

static void a_task_is_cut_at_64_characters(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture);
    Sendpost *sendpost = fixture_load(&fixture, "daily.yaml", daily);
    live(sendpost);
    char task[200] = {0};
    for (int i = 0; i < 65; i++) {
        strcat(task, "\xC3\xBC");
    }
    text_replace(&sendpost->last_failure->task_name, task);
    text_replace(&sendpost->last_failure->flow_run_id, NULL);
    char *text = fixture_text(&fixture);
    const char *value = strstr(text, "task=\"") + strlen("task=\"");
    assert_int_equal(strchr(value, '"') - value, 128);
    assert_non_null(strstr(text, "flow_run_id=\"\"} 1"));
    text_replace(&sendpost->last_failure->task_name, NULL);
    free(text);
    text = fixture_text(&fixture);
    assert_non_null(strstr(text, "task=\"\","));
    free(text);
    fixture_release(&fixture);
}

static void pieces_of_any_size_join_to_the_same(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture);
    live(fixture_load(&fixture, "daily.yaml", daily));
    char *owner = memory_new(9001);
    memset(owner, 'o', 9000);
    char *text = text_format("name: long\nowner: %s\nstages: [{name: a, run: f/d}]\n", owner);
    fixture_load(&fixture, "long.yaml", text);
    Snapshot *snapshot = fixture_snapshot(&fixture);
    char *whole = exposition_text(exposition_new(snapshot, METRICS_OPENMETRICS), 1 << 20);
    assert_non_null(strstr(whole, owner));
    static const size_t sizes[] = {1, 7, 97, 4096, 4099, 65536};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char *pieces = exposition_text(exposition_new(snapshot, METRICS_OPENMETRICS), sizes[i]);
        assert_string_equal(pieces, whole);
        free(pieces);
    }
    snapshot_release(snapshot);
    free(whole);
    free(text);
    free(owner);
    fixture_release(&fixture);
}

static size_t series_of(const char *text, const char *label)
{
    size_t count = 0;
    for (const char *line = text; line && *line; line = strchr(line, '\n') + 1) {
        const char *found = *line != '#' ? strstr(line, label) : NULL;
        count += found && found < strchr(line, '\n');
    }
    return count;
}

/* Few when it is small; as many as there may be when it is large, so that little is copied. */
static void a_text_is_few_pieces(void **state)
{
    (void)state;
    enum { LARGE = 128, LARGER = 512 };
    static const struct {
        int sendposts;
        size_t max, least, most; /* pieces; 0: none */
    } cases[] = {{1, 1000, 1, 1},  {1, 1, 1, 1},     {LARGE, 1000, 100, 1000},  {LARGE, 100, 17, 100},
                 {LARGE, 0, 0, 0}, {LARGE, 2, 0, 0}, {LARGER, 1000, 300, 1000}, {LARGER, 20, 0, 0}};
    Fixture fixture;
    fixture_init(&fixture);
    int loaded = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (; loaded < cases[i].sendposts; loaded++) {
            auto_free char *file = text_format("%d.yaml", loaded);
            auto_free char *definition = text_format("name: daily-%d\nstages:\n- {name: one, run: a/b}\n- {name: two, "
                                                     "run: c/d}\n- {name: three, run: e/f}\n",
                                                     loaded);
            fixture_load(&fixture, file, definition);
        }
        Snapshot *snapshot = fixture_snapshot(&fixture);
        auto_free char *expected = exposition_text(exposition_new(snapshot, METRICS_OPENMETRICS), 64 * 1024);
        size_t count;
        auto_free char *text = exposition_joined(exposition_new(snapshot, METRICS_OPENMETRICS), cases[i].max, &count);
        snapshot_release(snapshot);
        assert_in_range(count, cases[i].least, cases[i].most);
        assert_string_equal(text ? text : "", count ? expected : "");
    }
    fixture_release(&fixture);
}

static void series_are_foretold(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture);
    Sendpost *sendpost = fixture_load(&fixture, "daily.yaml", daily);
    live(sendpost);
    for (int i = 0; i < 4; i++) {
        bool state_set = i & 1, histograms = i & 2;
        metrics_text_free(fixture.text);
        fixture.text = metrics_text_new(state_set, histograms);
        char *text = fixture_text(&fixture);
        size_t shown = series_of(text, "sendpost=\"daily\"") + series_of(text, "file=\"daily.yaml\"}");
        shown -= 1; /* sendpost_info has both labels */
        /* Only there while something is wrong. */
        shown -= series_of(text, "sendpost_last_failure_info{") + series_of(text, "sendpost_last_failure_run_info{");
        assert_int_equal(exposition_series(sendpost->definition, state_set, histograms), shown);
        assert_int_equal(count_of(text, "_bucket{sendpost=") > 0, histograms);
        assert_int_equal(count_of(text, "sendpost_stage_state{") > 0, state_set);
        free(text);
    }
    fixture_release(&fixture);
}

static void a_broken_file_costs_one_series(void **state)
{
    (void)state;
    assert_int_equal(exposition_series(NULL, true, true), 1);
}

static void problems_of_references_are_shown(void **state)
{
    (void)state;
    static const char *const fine[] = {"sendpost_stage_reference_ok{sendpost=\"daily\",stage_name=\"extract\"} 1",
                                       NULL};
    static const char *const paused[] = {
        "sendpost_stage_reference_ok{sendpost=\"daily\",stage_name=\"extract\"} 0",
        "sendpost_stage_reference_ok{sendpost=\"daily\",stage_name=\"deliver/email\"} 1",
        "sendpost_stage_reference_problem_info{sendpost=\"daily\",stage_name=\"extract\",problem=\"paused\"} 1", NULL};
    Fixture fixture;
    fixture_init(&fixture);
    Definition *definition = fixture_load(&fixture, "daily.yaml", daily)->definition;
    Standing *standing = standing_new();
    fixture.sources.references = standing;
    for (int step = 0; step < 4; step++) {
        char *text = fixture_text(&fixture); /* not known yet, not checked yet, paused, fine again */
        assert_lines(text, step == 2 ? paused : fine);
        assert_int_equal(count_of(text, "\nsendpost_stage_reference_problem_info{"), step == 2);
        free(text);
        standing_load(standing, definition);
        standing_set(standing, definition, 0, step == 1 ? REFERENCE_PAUSED : REFERENCE_FINE);
    }
    standing_free(standing);
    fixture_release(&fixture);
}

static void a_snapshot_does_not_change(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture);
    Sendpost *sendpost = fixture_load(&fixture, "daily.yaml", daily);
    Snapshot *snapshot = fixture_snapshot(&fixture);
    Exposition *exposition = exposition_new(snapshot, METRICS_TEXT);
    snapshot_release(snapshot);
    sendpost->totals.cancellations = 99;
    fixture_step(&fixture, &(Happening){.kind = HAPPENED_GONE, .file = {.file = "daily.yaml"}});
    char *text = exposition_text(exposition, 4096);
    assert_non_null(strstr(text, "sendpost_run_cancellations_total{sendpost=\"daily\"} 0\n"));
    free(text);
    text = fixture_text(&fixture);
    assert_null(strstr(text, "sendpost=\"daily\""));
    free(text);
    fixture_release(&fixture);
}

/* After a restart without its file: the run goes on, and so do the series of its sendpost. */
static void a_removed_sendpost_shows_while_its_run_goes_on(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture);
    SendpostHistory history = {.name = "daily", .totals = {.cancellations = 5, .first_seen_at = 1000}};
    engine_restore_sendpost(fixture.engine, &history);
    Findings findings = {0};
    RunRecord *record = memory_new(sizeof *record);
    *record = (RunRecord){.id = "01920000-0000-7000-8000-000000000000",
                          .sendpost = text_copy("daily"),
                          .state = STATE_RUNNING,
                          .parameters = text_copy("{}"),
                          .admitted = true,
                          .created_at = 1000,
                          .started_at = 2500};
    engine_restore_run(fixture.engine, record, NULL, 0, definition_read(daily, strlen(daily), NULL, &findings));
    findings_release(&findings);
    engine_recall(fixture.engine, fixture.now, &fixture.actions);
    char *text = fixture_text(&fixture);
    static const char *const lines[] = {
        "sendpost_info{sendpost=\"daily\",owner=\"the \\\"data\\\" team\",file=\"\"} 1",
        "sendpost_stage_state_code{sendpost=\"daily\",stage_name=\"extract\"} 1",
        "sendpost_run_cancellations_total{sendpost=\"daily\"} 5",
        "sendpost_runs_active{sendpost=\"daily\"} 1",
        "sendpost_state_code{sendpost=\"daily\"} 5",
        "sendpost_run_start_timestamp_seconds{sendpost=\"daily\"} 2.5",
        NULL,
    };
    assert_lines(text, lines);
    free(text);
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_what_happened),
        cmocka_unit_test(shows_the_agent),
        cmocka_unit_test(everything_is_there_from_the_start),
        cmocka_unit_test(a_task_is_cut_at_64_characters),
        cmocka_unit_test(pieces_of_any_size_join_to_the_same),
        cmocka_unit_test(a_text_is_few_pieces),
        cmocka_unit_test(series_are_foretold),
        cmocka_unit_test(a_broken_file_costs_one_series),
        cmocka_unit_test(problems_of_references_are_shown),
        cmocka_unit_test(a_snapshot_does_not_change),
        cmocka_unit_test(a_removed_sendpost_shows_while_its_run_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "definitions/definition.h"
#include "definitions/schema.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

#define STAGES            "stages:\n- {name: a, run: f/a}\n"
#define WITH_STAGES(text) "name: x\n" text STAGES
#define STAGE(text)       "name: x\nstages:\n- {name: a, run: f/a, " text "}\n"

/* One line for each finding: "line:column message". */
static char *findings_of(const char *text, size_t length)
{
    Findings findings = {0};
    Definition *definition = definition_read(text, length, NULL, &findings);
    assert_int_equal(definition == NULL, findings.errors > 0);
    definition_release(definition);
    Buffer out;
    buffer_init(&out, 1 << 20);
    for (size_t i = 0; i < findings.count; i++) {
        buffer_format(&out, "%s%d:%d %s", i ? "\n" : "", findings.items[i].line, findings.items[i].column,
                      findings.items[i].message);
    }
    findings_release(&findings);
    return buffer_take(&out);
}

static void expect(const char *text, const char *expected)
{
    char *found = findings_of(text, strlen(text));
    if (!text_equal(found, expected)) {
        print_error("of:\n%s\n", text);
    }
    assert_string_equal(found, expected);
    free(found);
}

/* A file, and what is said of it. */
static const char *const refusals[][2] = {
    {"", "1:1 the file is empty"},
    {"# nothing\n", "1:1 the file is empty"},
    {"---\n# nothing\n", "1:1 the file is empty"},
    {"- a\n", "1:1 a sendpost must be a mapping, not a list"},
    {STAGES, "1:1 a sendpost needs the key 'name'"},
    {"name: x\n", "1:1 a sendpost needs the key 'stages'"},
    {"name: X\n" STAGES, "1:7 'X' is not a name: lower-case letters, digits and dashes within, at most 63 characters"},
    {"name: x\nstages: []\n", "2:9 'stages' must be a list with at least one stage"},
    {WITH_STAGES("ownr: me\n"), "2:1 unknown key 'ownr', did you mean 'owner'?"},
    {WITH_STAGES("owner: ~\n"), "2:8 'owner' must be a string, not null"},
    {WITH_STAGES("owner: [a]\n"), "2:8 'owner' must be a string, not a list"},
    {WITH_STAGES("enabled: no\n"), "2:10 'enabled' must be true or false, not a string"},
    {WITH_STAGES("owner: &a me\n"), "2:8 anchors are not allowed"},
    {WITH_STAGES("owner: *a\n"), "2:8 aliases are not allowed"},
    {WITH_STAGES("owner: !!str me\n"), "2:8 tags are not allowed"},
    {WITH_STAGES("<<: {a: 1}\n"), "2:1 merge keys are not allowed"},
    {WITH_STAGES("name: y\n"), "2:1 duplicate key 'name', first defined in line 1"},
    {WITH_STAGES("timeout: 10\n"), "2:10 'timeout': '10' is not a duration such as 90s, 5m or 1h30m"},
    {WITH_STAGES("timeout: 30m1h\n"), "2:10 'timeout': '30m1h' is not a duration such as 90s, 5m or 1h30m"},
    {WITH_STAGES("concurrency: q\n"), "2:14 'concurrency' must be forbid, queue or replace, not 'q'"},
    {WITH_STAGES("timezone: Mars/Olympus?\n"), "2:11 unknown time zone 'Mars/Olympus?'"},
    {WITH_STAGES("schedule: {cron: \"61 * * * *\"}\n"), "2:18 'cron': minute: 61 is not within 0 to 59"},
    {WITH_STAGES("schedule: [{cron: \"0 0 30 2 *\"}]\n"),
     "2:19 'cron': no date ever matches: no such day in these months"},
    {WITH_STAGES("schedule: {}\n"), "2:11 a schedule needs the key 'cron'"},
    {WITH_STAGES("webhook: {}\n"), "2:10 'webhook' needs the key 'secret_file'"},
    {WITH_STAGES("labels: {a: [1]}\n"), "2:13 'a' must be a string, not a list"},
    {STAGE("parameter: {}"), "3:23 unknown key 'parameter', did you mean 'parameters'?"},
    {STAGE("wait: 5m"), "3:23 unknown key 'wait': it belongs to 'observe' stages"},
    {STAGE("retries: -1"), "3:32 'retries' must be within 0 and 100"},
    {STAGE("retries: \"2\""), "3:32 'retries' must be an integer, not a string"},
    {STAGE("tags: x"), "3:29 'tags' must be a list of strings, not a string"},
    {STAGE("when: sometimes"), "3:29 'when' must be success, failure or always, not 'sometimes'"},
    {STAGE("when: failure"), "3:29 'a' can never run: nothing comes before it that could fail"},
    {STAGE("timeout: 5m, retries: 1, on_timeout: leave"), "3:60 'on_timeout: leave' excludes 'retries'"},
    {STAGE("needs: [b]"), "3:31 unknown stage 'b'"},
    {"name: x\nstages:\n- name: p\n  when: failure\n  parallel:\n  - {name: a, run: f/a}\n",
     "4:9 'p/a' can never run: nothing comes before it that could fail"},
    {"name: x\nstages:\n- name: p\n  parallel: [{name: a, run: f/a}]\n- {name: b, run: f/b, needs: [a]}\n",
     "5:31 unknown stage 'a', did you mean 'p/a'?"},
    {"name: x\nstages:\n- name: p\n  parallel: [{name: a, run: f/a}]\n- name: b\n  run: f/b\n  parameters:\n"
     "    c: ${stages.a.flow_run_id}\n    d: ${stages.p.flow_run_id}\n",
     "8:8 unknown stage 'a', did you mean 'p/a'?\n9:8 'p' is a group: it has no flow run"},
    {"name: x\nstages:\n- {name: a, run: f/a}\n- {name: b, run: f/b, needs: [a, a]}\n", "4:34 'a' is named twice"},
    {STAGE("needs: [a]"), "3:31 a stage cannot need itself, its group or its members"},
    {"name: x\nstages:\n- {name: a, run: deployment}\n",
     "3:18 'deployment' is neither flow/deployment nor a deployment's UUID"},
    {"name: x\nstages:\n- {name: a, observ: f/a}\n", "3:13 unknown key 'observ', did you mean 'observe'?"},
    {"name: x\nstages:\n- {name: a}\n", "3:3 a stage needs one of the keys 'run', 'observe', 'parallel' and 'stages'"},
    {"name: x\nstages:\n- {name: a, run: f/a, observe: f/a}\n",
     "3:3 a stage needs only one of the keys 'run', 'observe', 'parallel' and 'stages'"},
    {"name: x\nstages:\n- {name: a, run: f/a}\n- {name: a, run: f/b}\n",
     "4:10 the stage 'a' stands here already, in line 3"},
    {"name: x\nstages:\n- {name: b, run: f/b, needs: [c]}\n- {name: c, run: f/c, needs: [b]}\n",
     "3:30 the stages wait for each other: b needs c needs b"},
    {STAGE("parameters: {d: \"${run.dat}\"}"), "3:40 unknown template '${run.dat}', did you mean '${run.date}'?"},
    {STAGE("parameters: {d: \"${run.id\"}"), "3:40 a template '${' without its '}'"},
    {STAGE("parameters: {d: \"${params.x}\"}"), "3:40 unknown parameter 'x' in a template"},
    {STAGE("parameters: {d: \"${stages.b.flow_run_id}\"}"), "3:40 unknown stage 'b'"},
    {STAGE("parameters: {d: 9007199254740993}"),
     "3:39 integers beyond 2^53 are rounded by JSON readers: write it as a string"},
    {STAGE("parameters: {d: .inf}"), "3:39 .inf is not a number that JSON can hold"},
    {WITH_STAGES("parameters: {n: {type: integer, default: a}}\n"),
     "2:42 the default value must be of type integer, not string"},
    {"name: x\nstages:\n- {name: a, observe: f/a, match: {tags: [\"${params.x}\"]}}\n",
     "3:43 unknown parameter 'x' in a template"},
    {WITH_STAGES("parameters: {n: {minimum: .inf}}\n"), "2:27 .inf is not a number that JSON can hold"},
    {WITH_STAGES("parameters: {n: {type: string, minimum: 1}}\n"), "2:41 only numbers have bounds, not type string"},
    {WITH_STAGES("parameters: {n: {default: a, maximum: 1}}\n"), "2:39 only numbers have bounds, not type string"},
    {WITH_STAGES("parameters: {n: {minimum: 2, maximum: 1}}\n"), "2:27 'minimum' is greater than 'maximum'"},
    {WITH_STAGES("parameters: {n: {type: integer, enum: [1, a]}}\n"),
     "2:43 a value of 'enum' must be of type integer, not string"},
    {WITH_STAGES("parameters: {n: {type: integer, default: \"${run.date}\"}}\n"),
     "2:42 the default value must be of type integer, not string"},
    {WITH_STAGES("parameters: {n: 1e20}\n"),
     "2:17 the default value integers beyond 2^53 are rounded by JSON readers: give it as a string"},
    {WITH_STAGES("parameters: {n: {required: true, default: a}}\n"),
     "2:28 'required: true' contradicts a default value"},
    {WITH_STAGES("parameters: {n: {enum: [1, 2], default: 3}}\n"), "2:41 the default value must be one of [1,2]"},
};

static void what_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        expect(refusals[i][0], refusals[i][1]);
    }
    expect("name: \xff\n", "1:7 not UTF-8");
    expect("\xff\xfe:", "1:1 UTF-16, not UTF-8");
    char *nul = findings_of("name: x\0\n", 9);
    assert_string_equal(nul, "1:8 a NUL character is not allowed");
    free(nul);
    expect(WITH_STAGES("") "---\nname: y\n", "4:1 only one document is allowed in a file");
}

static void what_is_accepted(void **state)
{
    (void)state;
    expect(WITH_STAGES(
               "owner: 0755\nlabels: {a: 1, b: true}\nparameters: {a: 1, b: \"${run.date-1d}\", c: {type: object}}\n"),
           "");
    expect(STAGE("parameters: {d: \"$${x} $ $5 ${run.date+7d}\"}, when: always"), "");
    expect(
        "name: x\nstages:\n- name: p\n  when: always\n  parallel:\n  - {name: a, run: f/a}\n  - name: s\n    stages:\n"
        "    - {name: b, observe: f/b, within: 24h, wait: 0s}\n- {name: c, run: f/c, needs: [p/s]}\n",
        "");
}

static void errors_come_together_and_in_order(void **state)
{
    (void)state;
    expect("name: X\nowner: ~\nstages:\n- {name: a, run: f/a, retries: x}\n- {name: b, run: f, timeout: 1}\n",
           "1:7 'X' is not a name: lower-case letters, digits and dashes within, at most 63 characters\n"
           "2:8 'owner' must be a string, not null\n"
           "4:32 'retries' must be an integer, not a string\n"
           "5:18 'f' is neither flow/deployment nor a deployment's UUID\n"
           "5:30 'timeout': '1' is not a duration such as 90s, 5m or 1h30m");
    Buffer many;
    buffer_init(&many, 1 << 16);
    buffer_text(&many, "name: x\n");
    for (int i = 0; i < 50; i++) {
        buffer_format(&many, "unknown%d: 1\n", i);
    }
    Findings findings = {0};
    assert_null(definition_read(many.bytes, many.length, NULL, &findings));
    assert_int_equal(findings.count, FINDINGS_MAX);
    assert_int_equal(findings.items[FINDINGS_MAX - 1].line, 20);
    findings_release(&findings);
    buffer_release(&many);
}

static void findings_show_the_source(void **state)
{
    (void)state;
    static const char text[] =
        "name: x\nstages:\n  - name: render\n    run: mailing/render\n    parameter: {date: x}\n";
    Findings findings = {0};
    assert_null(definition_read(text, sizeof text - 1, NULL, &findings));
    Buffer out;
    buffer_init(&out, 4096);
    finding_print(&findings.items[0], "sendposts/daily.yaml", text, sizeof text - 1, &out);
    assert_string_equal(out.bytes,
                        "sendposts/daily.yaml:5:5: error: unknown key 'parameter', did you mean 'parameters'?\n"
                        "    parameter: {date: x}\n    ^\n");
    buffer_release(&out);
    findings_release(&findings);
}

static void columns_count_characters(void **state)
{
    (void)state;
    expect("name: x\n# Grüße\nlabels: {grün: [1]}\n" STAGES, "3:16 'grün' must be a string, not a list");
}

static void marks_of_other_editors_are_no_columns(void **state)
{
    (void)state;
    expect("\xEF\xBB\xBFname: x\n" STAGES, "");
    expect("\xEF\xBB\xBFnam: x\r\nname: x\r\nownr: y\r\n" STAGES,
           "1:1 unknown key 'nam', did you mean 'name'?\n3:1 unknown key 'ownr', did you mean 'owner'?");
    expect("name: x\ndescription: \"a\xE2\x80\xA8z\"\nownr: y\n" STAGES,
           "3:1 unknown key 'ownr', did you mean 'owner'?");
}

static void templates_are_placed_within_their_text(void **state)
{
    (void)state;
    expect("name: x\nstages:\n- name: a\n  run: f/a\n  parameters:\n    a: |\n      $${fine} ${run.id}\n      é "
           "${run.ix}\n"
           "    b: >-\n      x\n      y ${params.x}\n    c: 'it''s ${run.iy}'\n    d: \"\\u0024{run.iz}\"\n"
           "    e: p\n       ${run.i\n    f: ${x} ${run.id} ${y}\n",
           "8:9 unknown template '${run.ix}', did you mean '${run.id}'?\n"
           "11:9 unknown parameter 'x' in a template\n"
           "12:15 unknown template '${run.iy}', did you mean '${run.id}'?\n"
           "13:8 unknown template '${run.iz}', did you mean '${run.id}'?\n"
           "15:8 a template '${' without its '}'\n16:8 unknown template '${x}'\n16:23 unknown template '${y}'");
}

static void messages_are_whole_characters(void **state)
{
    (void)state;
    Buffer text, expected;
    buffer_init(&text, 4096);
    buffer_init(&expected, 4096);
    buffer_text(&text, "x");
    for (int i = 0; i < 60; i++) {
        buffer_text(&text, "é");
    }
    buffer_format(&expected, "1:1 unknown key '%.79s?'", text.bytes);
    buffer_text(&text, ": 1\nname: x\n" STAGES);
    expect(text.bytes, expected.bytes);
    buffer_release(&text);
    buffer_release(&expected);
    expect("name: x\n\"o\\e[31m\\n\": 1\n" STAGES, "2:1 unknown key 'o [31m '");
}

/* As many as a file has room for: what is quadratic in them would take minutes. */
static void many_errors_are_counted(void **state)
{
    (void)state;
    enum { MANY = 45000 };
    Buffer keys, needs;
    buffer_init(&keys, 1 << 20);
    buffer_init(&needs, 1 << 20);
    buffer_text(&needs, "name: x\nstages:\n");
    for (int i = 0; i < 500; i++) {
        buffer_format(&needs, "- {name: stage-%d, run: f/a}\n", i);
    }
    buffer_text(&needs, "- {name: last, run: f/a, needs: [");
    for (int i = 0; i < MANY; i++) {
        buffer_format(&keys, "k%d: 1\n", i);
        buffer_format(&needs, "s%d,", i);
    }
    buffer_text(&needs, "]}\n");
    buffer_text(&keys, "k0: 1\nk7: 1\n");
    Findings findings = {0};
    assert_null(definition_read(keys.bytes, keys.length, NULL, &findings));
    assert_int_equal(findings.errors, MANY + 4);
    findings_release(&findings);
    assert_null(definition_read(needs.bytes, needs.length, NULL, &findings));
    assert_int_equal(findings.errors, MANY);
    findings_release(&findings);
    buffer_release(&keys);
    buffer_release(&needs);
}

static void depth_is_refused_at_once(void **state)
{
    (void)state;
    enum { BRACKETS = 100000 };
    char *text = memory_new(BRACKETS + 1);
    memset(text, '[', BRACKETS);
    clock_t began = clock();
    char *found = findings_of(text, BRACKETS);
    assert_string_equal(found, "1:33 nested deeper than 32 levels");
    assert_true((double)(clock() - began) / CLOCKS_PER_SEC < 1);
    free(found);
    free(text);
}

static void prefixes_never_crash(void **state)
{
    (void)state;
    static const char text[] =
        "name: daily\nparameters: {a: {default: 1, enum: [1, 2]}}\nschedule: {cron: \"0 7 * * mon-fri\"}\nstages:\n"
        "- {name: a, run: f/a, parameters: {x: \"${params.a}\"}}\n- name: p\n  parallel:\n"
        "  - {name: b, observe: f/b, match: {tags: [x]}}\n";
    for (size_t length = 0; length < sizeof text; length++) {
        free(findings_of(text, length));
    }
}

static void schema_is_json(void **state)
{
    (void)state;
    Buffer out;
    buffer_init(&out, 1 << 20);
    definition_schema_print(&out);
    Json *schema = json_parse(out.bytes, out.length, NULL);
    assert_non_null(json_member(json_member(schema, "properties"), "concurrency"));
    assert_int_equal(json_count(json_member(json_member(json_member(schema, "$defs"), "stage"), "oneOf")), 4);
    json_free(schema);
    buffer_release(&out);
}

static void what_no_schedule_can_start_is_warned_of(void **state)
{
    (void)state;
    expect(WITH_STAGES("parameters: {n: {type: integer}, m: {type: string, required: false}, k: 1}\n"
                       "schedule: {cron: '@daily'}\n"),
           "2:17 no schedule can start this: the parameter 'n' is required and has no default");
    expect(WITH_STAGES("parameters: {n: {type: integer}}\n"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_no_schedule_can_start_is_warned_of),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(what_is_accepted),
        cmocka_unit_test(errors_come_together_and_in_order),
        cmocka_unit_test(findings_show_the_source),
        cmocka_unit_test(columns_count_characters),
        cmocka_unit_test(marks_of_other_editors_are_no_columns),
        cmocka_unit_test(templates_are_placed_within_their_text),
        cmocka_unit_test(messages_are_whole_characters),
        cmocka_unit_test(many_errors_are_counted),
        cmocka_unit_test(depth_is_refused_at_once),
        cmocka_unit_test(prefixes_never_crash),
        cmocka_unit_test(schema_is_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

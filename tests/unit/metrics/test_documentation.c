/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of docs/metrics.md are made of the table of families: --write puts them there, else they are compared. */
#include "base/file.h"
#include "fixture.h"
#include "metrics/families.h"

enum { PAGE_MAX = 1 << 20 };

static const char begin_mark[] = "<!-- begin: made by metrics_test_documentation --write -->\n";
static const char end_mark[] = "<!-- end -->\n";
static const char page[] = SOURCE_DIRECTORY "/docs/metrics.md";

static const struct {
    const char *title, *first; /* the family that it begins with */
} sections[] = {
    {"Each sendpost", "sendpost_info"},
    {"Each stage that runs or observes", "sendpost_stage_info"},
    {"Prefect", "sendpost_prefect_up"},
    {"Prefect as a whole", "sendpost_prefect_inventory_last_success_timestamp_seconds"},
    {"Definitions", "sendpost_definitions_loaded"},
    {"Journal", "sendpost_journal_writable"},
    {"The agent itself", "sendpost_http_requests_total"},
};
enum { SECTIONS = sizeof sections / sizeof *sections };

/* How many lines one item has, with all switches on. */
static int line_count(const Family *family)
{
    int count = 0;
    for (int i = 0; i < family_positions(family); i++) {
        count += family_has_line(family, i);
    }
    return count;
}

static void append_labels(Buffer *text, const Family *family)
{
    const char *common = scope_labels[family->scope];
    bool histogram = family->type == METRIC_HISTOGRAM;
    const char *own = histogram ? "le" : family->label ? family->label : "";
    buffer_format(text, "%s%s%s", common, *common && *own ? ", " : "", own);
    for (int i = 0, listed = 0; family->names && i < family->count; i++) {
        if (family_has_line(family, i)) {
            buffer_format(text, "%s%s", listed++ ? ", " : " = ", family->names[i]);
        }
    }
    for (int i = 0; histogram && i < family->count; i++) {
        buffer_format(text, "%s%g", i ? ", " : " = ", family->bounds ? family->bounds[i] : family->numbers[i]);
    }
}

static void append_family(Buffer *text, const Family *family)
{
    const char *unit = family_unit(family);
    buffer_format(text, "| `%s` | %s | ", family->name, metric_type_names[METRICS_OPENMETRICS][family->type]);
    append_labels(text, family);
    buffer_format(text, " | %s | %d | %s |\n", unit ? unit : "", line_count(family), family->help);
}

static int series_of(Scope scope, bool stage_state_set, bool histograms)
{
    int series = 0;
    for (const Family *family = families; family < families + family_count; family++) {
        bool counts = family->scope == scope && family_shown(family, stage_state_set, histograms) && !family->passing;
        series += counts ? line_count(family) : 0;
    }
    return series;
}

static void append_budget(Buffer *text)
{
    buffer_text(text, "## Budget of series\n\n| one for each | series | without |\n|---|---|---|\n");
    buffer_format(text, "| sendpost | %d | %d with `metrics.histograms: false` |\n",
                  series_of(SCOPE_SENDPOST, true, true), series_of(SCOPE_SENDPOST, true, false));
    buffer_format(text, "| stage | %d | %d with `metrics.stage_state_set: false` |\n",
                  series_of(SCOPE_STAGE, true, true), series_of(SCOPE_STAGE, false, true));
    buffer_format(text, "| label of a sendpost | %d | |\n| file | %d | |\n", series_of(SCOPE_LABEL, true, true),
                  series_of(SCOPE_FILE, true, true));
    buffer_format(text, "| endpoint of Prefect that is asked | %d | |\n| route of the API | %d | |\n",
                  series_of(SCOPE_ENDPOINT, true, true), series_of(SCOPE_HANDLER, true, true));
    buffer_format(text, "| agent | %d | |\n", series_of(SCOPE_AGENT, true, true));
    buffer_format(text, "| deployment of Prefect (`prefect.inventory`) | %d | %d with `metrics.histograms: false` |\n",
                  series_of(SCOPE_DEPLOYMENT, true, true), series_of(SCOPE_DEPLOYMENT, true, false));
    buffer_format(text, "| work pool, work queue, worker (the same) | %d, %d, %d | |\n",
                  series_of(SCOPE_WORK_POOL, true, true), series_of(SCOPE_WORK_QUEUE, true, true),
                  series_of(SCOPE_WORKER, true, true));
}

static char *tables(void)
{
    Buffer text;
    buffer_init(&text, PAGE_MAX);
    size_t section = 0;
    for (const Family *family = families; family < families + family_count; family++) {
        if (section < SECTIONS && strcmp(family->name, sections[section].first) == 0) {
            buffer_format(&text, "## %s\n\n", sections[section++].title);
            buffer_text(&text, "| metric | type | labels | unit | series | meaning |\n|---|---|---|---|---|---|\n");
        }
        append_family(&text, family);
        bool last = family + 1 == families + family_count ||
                    (section < SECTIONS && strcmp(family[1].name, sections[section].first) == 0);
        buffer_text(&text, last ? "\n" : "");
    }
    assert_int_equal(section, SECTIONS);
    append_budget(&text);
    assert_false(text.overflow);
    return buffer_take(&text);
}

/* The page as it should be: what is written by hand, and the tables between the marks. */
static char *page_with_tables(const char *old)
{
    const char *begin = strstr(old, begin_mark), *end = strstr(old, end_mark);
    assert_true(begin && end && begin < end);
    char *made = tables();
    char *text = text_format("%.*s%s%s%s", (int)(begin - old), old, begin_mark, made, end);
    free(made);
    return text;
}

static char *read_page(void)
{
    Buffer text;
    Error error = {0};
    buffer_init(&text, PAGE_MAX);
    assert_true(file_read(page, PAGE_MAX, &text, &error));
    return buffer_take(&text);
}

static void the_page_has_every_family(void **state)
{
    (void)state;
    char *old = read_page(), *text = page_with_tables(old);
    assert_string_equal(old, text);
    free(text);
    free(old);
}

static void write_page(void)
{
    char *old = read_page(), *text = page_with_tables(old);
    FILE *file = fopen(page, "w");
    assert_true(file && fputs(text, file) >= 0 && fclose(file) == 0);
    free(text);
    free(old);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--write") == 0) {
        write_page();
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_page_has_every_family)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

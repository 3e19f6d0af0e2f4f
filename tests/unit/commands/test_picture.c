/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "commands/picture.h"
#include "time/instant.h"
#include <string.h>

#define STAGE(name, path, state, more)                                                                                 \
    "{\"name\":\"" name "\",\"path\":\"" path "\",\"state\":\"" state "\"," more                                       \
    "\"attempt\":1,\"reason\":null,\"started_at\":null,\"ended_at\":null,\"duration_seconds\":null,\"stages\":[]}"
#define RUN(state, stages)                                                                                             \
    "{\"sendpost\":\"daily\",\"state\":\"" state "\",\"reason\":null,\"started_at\":\"2026-11-22T04:00:00.000Z\","     \
    "\"ended_at\":null,\"duration_seconds\":null,\"stages\":[" stages "]}"

static const char sendpost[] = "{\"last_run\":{\"state\":\"completed\",\"duration_seconds\":90},\"stages\":["
                               "{\"path\":\"extract\",\"last_duration_seconds\":40,\"stages\":[]},"
                               "{\"path\":\"deliver\",\"last_duration_seconds\":null,\"stages\":["
                               "{\"path\":\"deliver/mail\",\"last_duration_seconds\":10,\"stages\":[]}]}]}";

static const char work[] =
    RUN("running",
        "{\"name\":\"extract\",\"path\":\"extract\",\"state\":\"completed\",\"attempt\":1,\"reason\":null,"
        "\"started_at\":\"2026-11-22T04:00:00.000Z\",\"ended_at\":\"2026-11-22T04:00:12.000Z\",\"duration_seconds\":12,"
        "\"stages\":[]},"
        "{\"name\":\"deliver\",\"path\":\"deliver\",\"state\":\"running\",\"attempt\":null,\"reason\":null,"
        "\"started_at\":\"2026-11-22T04:00:12.000Z\",\"ended_at\":null,\"duration_seconds\":null,\"stages\":["
        "{\"name\":\"mail\",\"path\":\"deliver/mail\",\"state\":\"running\",\"attempt\":2,\"reason\":null,"
        "\"started_at\":\"2026-11-22T04:00:15.000Z\",\"ended_at\":null,\"duration_seconds\":null,\"stages\":[]},"
        "{\"name\":\"push\",\"path\":\"deliver/push\",\"state\":\"crashed\",\"attempt\":1,\"reason\":\"lost\","
        "\"started_at\":\"2026-11-22T04:00:15.000Z\",\"ended_at\":\"2026-11-22T04:00:16.000Z\",\"duration_seconds\":1,"
        "\"stages\":[]}]}," STAGE("tidy", "tidy", "waiting", ""));

static char *drawn(const char *run, const Screen *screen, int *lines)
{
    int64_t now_ms;
    assert_true(instant_parse("2026-11-22T04:00:20Z", &now_ms));
    auto_json *parsed = json_parse(run, strlen(run), NULL), *known = json_parse(sendpost, strlen(sendpost), NULL);
    assert_non_null(parsed);
    assert_non_null(known);
    Buffer out;
    buffer_init(&out, 65536);
    *lines = picture_draw(parsed, known, now_ms, screen, &out);
    return buffer_take(&out);
}

static void check(const char *run, const Screen *screen, const char *wanted)
{
    int lines;
    auto_free char *picture = drawn(run, screen, &lines);
    assert_string_equal(picture, wanted);
    int ends = 0;
    for (const char *at = picture; *at; at++) {
        ends += *at == '\n';
    }
    assert_int_equal(lines, ends);
}

static void a_wide_screen(void **state)
{
    (void)state;
    check(work, &(Screen){100, 30, false, false},
          "daily      running     20.0s of ~1m 30s\n"
          "  extract  completed   12.0s\n"
          "  deliver  running     8.0s\n"
          "    mail   running     ########--------  5.0s of ~10.0s  attempt 2\n"
          "    push   crashed     1.0s  lost\n"
          "  tidy     waiting\n");
}

static void colours_and_blocks(void **state)
{
    (void)state;
    check(RUN("paused", STAGE("a", "deliver/mail", "blocked", "")), &(Screen){100, 30, true, true},
          "daily  \033[33mpaused    \033[0m  20.0s of ~1m 30s  waits for 'sendpost resume'\n"
          "  a    \033[33mblocked   \033[0m  waits for 'sendpost resume'\n");
    int lines;
    auto_free char *picture = drawn(work, &(Screen){100, 30, false, true}, &lines);
    assert_non_null(strstr(picture, "\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2591\u2591"));
}

/* No line reaches the last column, or the terminal would begin a new one. */
static void narrow_screens(void **state)
{
    (void)state;
    for (int columns = 20; columns < 100; columns++) {
        int lines;
        auto_free char *picture = drawn(work, &(Screen){columns, 30, false, false}, &lines);
        for (const char *at = picture; *at; at += strcspn(at, "\n") + 1) {
            assert_true((int)strcspn(at, "\n") < columns);
        }
    }
    check(work, &(Screen){20, 30, false, false},
          "daily    running\n"
          "  extra  completed\n"
          "  deliv  running\n"
          "    mai  running\n"
          "    pus  crashed\n"
          "  tidy   waiting\n");
}

static void low_screens(void **state)
{
    (void)state;
    for (int rows = 3; rows < 12; rows++) {
        int lines;
        auto_free char *picture = drawn(work, &(Screen){100, rows, false, false}, &lines);
        assert_true(lines < rows);
        assert_true(rows < 5 || strstr(picture, "    mail"));
    }
    check(work, &(Screen){60, 6, false, false},
          "daily      running     20.0s of ~1m 30s\n"
          "  deliver  running     8.0s\n"
          "    mail   running     5.0s of ~10.0s  attempt 2\n"
          "    push   crashed     1.0s  lost\n"
          "  and 2 more\n");
}

static void nobody_knows_how_long(void **state)
{
    (void)state;
    auto_json *run = json_parse(work, strlen(work), NULL);
    auto_buffer out;
    buffer_init(&out, 65536);
    picture_draw(run, NULL, 0, &(Screen){100, 30, false, false}, &out); /* a clock that is behind */
    assert_non_null(strstr(out.bytes, "    mail   running     0.0s  attempt 2\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wide_screen), cmocka_unit_test(colours_and_blocks),    cmocka_unit_test(narrow_screens),
        cmocka_unit_test(low_screens),   cmocka_unit_test(nobody_knows_how_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

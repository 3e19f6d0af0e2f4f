/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "commands/event_parser.h"
#include <string.h>

/* What came, as "type=data;" for each event. */
static void note(void *user, const char *type, const char *data)
{
    buffer_format(user, "%s=%s;", type, data);
}

/* However the bytes are cut into pieces. */
static void check(const char *bytes, const char *wanted, const char *id)
{
    for (size_t piece = 1; piece <= strlen(bytes) + 1; piece++) {
        EventParser parser;
        auto_buffer came;
        buffer_init(&came, 4096);
        event_parser_init(&parser);
        for (size_t at = 0; at < strlen(bytes); at += piece) {
            size_t left = strlen(bytes) - at;
            assert_true(event_parser_feed(&parser, bytes + at, left < piece ? left : piece, note, &came));
        }
        assert_string_equal(came.length ? came.bytes : "", wanted);
        assert_string_equal(event_parser_id(&parser), id);
        event_parser_release(&parser);
    }
}

static void events_as_the_agent_sends_them(void **state)
{
    (void)state;
    check(":\n\nid: 7\nevent: run.state\ndata: {\"a\":1}\n\n:\n\nid: 8\nevent: stage.state\ndata: {}\n\n",
          "run.state={\"a\":1};stage.state={};", "8");
}

static void events_as_others_may(void **state)
{
    (void)state;
    check("data:a\r\ndata:  b\r\n\r\ndata: c\r\rdata\n\n", "message=a\n b;message=c;message=;", "");
    check("event: x\n\nid: 3\n\nretry: 10\ndata: d\nunknown: e\n\n", "message=d;", "3");
    check("data: never ended\n", "", "");
}

static void a_new_connection_begins_anew(void **state)
{
    (void)state;
    EventParser parser;
    auto_buffer came;
    buffer_init(&came, 4096);
    event_parser_init(&parser);
    static const char half[] = "id: 7\ndata: a\n\nid: 8\ndata: cut o", whole[] = "id: 8\ndata: b\n\n";
    assert_true(event_parser_feed(&parser, half, strlen(half), note, &came));
    event_parser_restart(&parser);
    assert_true(event_parser_feed(&parser, whole, strlen(whole), note, &came));
    assert_string_equal(came.bytes, "message=a;message=b;");
    event_parser_release(&parser);
}

static void a_line_without_end_is_no_event(void **state)
{
    (void)state;
    EventParser parser;
    event_parser_init(&parser);
    char bytes[4096];
    memset(bytes, 'x', sizeof bytes);
    bool fits = true;
    for (int i = 0; i < 1000 && fits; i++) {
        fits = event_parser_feed(&parser, bytes, sizeof bytes, note, NULL);
    }
    assert_false(fits);
    event_parser_release(&parser);
}

/* Also when all comes at once, and what follows would fit. */
static void what_is_too_large_is_a_fault(void **state)
{
    (void)state;
    static const char *const heads[] = {"id: ", "event: "};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        EventParser parser;
        event_parser_init(&parser);
        auto_free char *text = text_format("%s%0100d\n%s1\ndata: a\n\n", heads[i], 0, heads[i]);
        auto_buffer came;
        buffer_init(&came, 4096);
        assert_false(event_parser_feed(&parser, text, strlen(text), note, &came));
        assert_int_equal(came.length, 0);
        event_parser_restart(&parser); /* another connection may do better */
        assert_true(event_parser_feed(&parser, "data: b\n\n", strlen("data: b\n\n"), note, &came));
        assert_string_equal(came.bytes, "message=b;");
        event_parser_release(&parser);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_as_the_agent_sends_them), cmocka_unit_test(events_as_others_may),
        cmocka_unit_test(a_new_connection_begins_anew),   cmocka_unit_test(a_line_without_end_is_no_event),
        cmocka_unit_test(what_is_too_large_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

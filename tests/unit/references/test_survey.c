/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "base/limits.h"
#include "references/survey.h"
#include <stdio.h>

#define ID    "0a000000-0000-0000-0000-000000000001"
#define FLOWS "[{\"id\":\"f1\",\"name\":\"etl\"},{\"id\":\"f2\",\"name\":\"mailing\"}]"

/* The next request, as "path body"; NULL at the end. Valid until the next call. */
static const char *asked(Survey *survey)
{
    static char text[8192];
    const char *path;
    Buffer body;
    buffer_init(&body, sizeof text);
    bool more = survey_next(survey, &path, &body);
    if (more) {
        snprintf(text, sizeof text, "%s %s", path, body.bytes);
    }
    buffer_release(&body);
    return more ? text : NULL;
}

static void answer(Survey *survey, const char *reply)
{
    Error error = {0};
    assert_non_null(asked(survey));
    assert_true(survey_answer(survey, 200, false, fixture_json(reply), &error));
    assert_int_equal(error.kind, ERROR_NONE);
}

static Presence presence(const Survey *survey, const char *reference)
{
    return survey_find(survey, reference)->presence;
}

static void one_request_for_each_kind(void **state)
{
    (void)state;
    Survey *survey = survey_new(200, true);
    survey_add(survey, "etl/extract");
    survey_add(survey, "mailing/extract");
    survey_add(survey, "etl/extract");
    survey_add(survey, "0A000000-0000-0000-0000-000000000001");
    const char *text = asked(survey);
    assert_non_null(strstr(text, "/flows/filter {\"flows\":{\"name\":{\"any_\":["));
    assert_non_null(strstr(text, "\"etl\""));
    assert_non_null(strstr(text, "\"mailing\""));
    answer(survey, FLOWS);
    assert_string_equal(asked(survey), "/deployments/filter {\"deployments\":{\"name\":{\"any_\":[\"extract\"]}},"
                                       "\"flows\":{\"id\":{\"any_\":[\"f1\",\"f2\"]}},\"sort\":\"CREATED_DESC\","
                                       "\"offset\":0,\"limit\":200}");
    answer(survey, "[{\"id\":\"d1\",\"name\":\"extract\",\"flow_id\":\"f1\",\"work_pool_name\":\"p\"}]");
    assert_string_equal(asked(survey), "/deployments/filter {\"deployments\":{\"id\":{\"any_\":[\"" ID "\"]}},"
                                       "\"sort\":\"CREATED_DESC\",\"offset\":0,\"limit\":200}");
    answer(survey, "[{\"id\":\"" ID "\",\"name\":\"x\",\"flow_id\":\"f9\",\"work_pool_name\":\"q\"}]");
    answer(survey, "[{\"id\":\"1\",\"name\":\"p\",\"status\":\"NOT_READY\"},"
                   "{\"id\":\"2\",\"name\":\"q\",\"status\":\"READY\"}]");
    assert_null(asked(survey));
    assert_int_equal(presence(survey, "etl/extract"), PRESENCE_FOUND);
    assert_int_equal(presence(survey, "mailing/extract"), PRESENCE_MISSING);
    assert_string_equal(json_member_text(survey_find(survey, ID)->json, "name"), "x");
    assert_int_equal(survey_find(survey, "etl/extract")->pool, POOL_WITHOUT_WORKER);
    assert_int_equal(survey_find(survey, ID)->pool, POOL_READY);
    assert_null(survey_find(survey, "etl/nothing"));
    survey_free(survey);
}

static void no_flow_no_deployments(void **state)
{
    (void)state;
    Survey *survey = survey_new(200, true);
    survey_add(survey, "etl/extract");
    answer(survey, "[]");
    assert_null(asked(survey));
    assert_int_equal(presence(survey, "etl/extract"), PRESENCE_MISSING);
    survey_free(survey);
}

static void a_full_page_is_followed_by_another(void **state)
{
    (void)state;
    Survey *survey = survey_new(1, false);
    survey_add(survey, "etl/extract");
    answer(survey, FLOWS);
    answer(survey, "[{\"id\":\"d0\",\"name\":\"extract\",\"flow_id\":\"f2\"}]");
    assert_non_null(strstr(asked(survey), "\"offset\":1,"));
    answer(survey, "[{\"id\":\"d1\",\"name\":\"extract\",\"flow_id\":\"f1\"}]");
    answer(survey, "[]");
    assert_null(asked(survey));
    assert_string_equal(json_member_text(survey_find(survey, "etl/extract")->json, "id"), "d1");
    survey_free(survey);
}

static void pages_are_bounded_and_what_they_did_not_show_is_not_missing(void **state)
{
    (void)state;
    Survey *survey = survey_new(1, false);
    survey_add(survey, "etl/extract");
    answer(survey, FLOWS);
    for (int i = 0; i < SURVEY_PAGES_MAX; i++) {
        answer(survey, "[{\"id\":\"d0\",\"name\":\"extract\",\"flow_id\":\"f2\"}]");
    }
    assert_null(asked(survey));
    assert_int_equal(presence(survey, "etl/extract"), PRESENCE_UNKNOWN);
    survey_free(survey);
}

static void large_replies_are_asked_for_in_parts(void **state)
{
    (void)state;
    Error error = {0};
    Survey *survey = survey_new(2, false);
    survey_add(survey, "etl/extract");
    survey_add(survey, "etl/load");
    answer(survey, FLOWS);
    assert_non_null(asked(survey));
    assert_true(survey_answer(survey, 0, true, NULL, &error));
    assert_non_null(strstr(asked(survey), "\"offset\":0,\"limit\":1}"));
    assert_true(survey_answer(survey, 0, true, NULL, &error));
    assert_non_null(strstr(asked(survey), "\"offset\":1,\"limit\":1}")); /* that one cannot be read at all */
    answer(survey, "[{\"id\":\"d1\",\"name\":\"load\",\"flow_id\":\"f1\"}]");
    answer(survey, "[]");
    assert_int_equal(presence(survey, "etl/load"), PRESENCE_FOUND);
    assert_int_equal(presence(survey, "etl/extract"), PRESENCE_UNKNOWN);
    survey_free(survey);
}

static void nothing_but_large_replies_ends_too(void **state)
{
    (void)state;
    Error error = {0};
    Survey *survey = survey_new(1, false);
    survey_add(survey, "etl/extract");
    int requests = 0;
    for (; asked(survey); requests++) {
        assert_true(survey_answer(survey, 0, true, NULL, &error));
    }
    assert_true(requests <= SURVEY_PAGES_MAX + 1);
    assert_int_equal(presence(survey, "etl/extract"), PRESENCE_UNKNOWN);
    survey_free(survey);
}

static void what_decides_nothing_may_be_asked_again(void **state)
{
    (void)state;
    static const int statuses[] = {0, 401, 408, 425, 429, 500, 503};
    Survey *survey = survey_new(200, true);
    survey_add(survey, "etl/extract");
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        Error error = {0};
        assert_non_null(strstr(asked(survey), "/flows/filter"));
        assert_false(survey_answer(survey, statuses[i], false, NULL, &error));
    }
    survey_free(survey);
}

/* Each step refused or answered with nonsense in turn: what it asked for stays unknown. */
static void refusals_leave_it_unknown(void **state)
{
    (void)state;
    static const char *const replies[] = {FLOWS, "[{\"id\":\"d1\",\"name\":\"extract\",\"flow_id\":\"f1\","
                                                 "\"work_pool_name\":\"p\"}]"};
    static const char *const nonsense[] = {"{}", "[1]", "[{\"id\":\"d1\"}]", "[{\"id\":\"d1\",\"name\":1}]"};
    for (int refused = 0; refused < 3; refused++) {
        for (int kind = 0; kind <= 4; kind++) {
            Error error = {0};
            Survey *survey = survey_new(200, true);
            survey_add(survey, "etl/extract");
            for (int step = 0; step < refused; step++) {
                answer(survey, replies[step]);
            }
            assert_non_null(asked(survey));
            Json *reply = kind ? fixture_json(nonsense[kind - 1]) : NULL;
            assert_true(survey_answer(survey, kind ? 200 : 403, false, reply, &error));
            assert_int_equal(error.kind, ERROR_INVALID);
            assert_null(asked(survey));
            assert_int_equal(presence(survey, "etl/extract"), refused < 2 ? PRESENCE_UNKNOWN : PRESENCE_FOUND);
            assert_int_equal(survey_find(survey, "etl/extract")->pool, POOL_UNKNOWN);
            assert_int_equal(survey_pools_refused(survey), refused == 2 && kind == 0);
            survey_free(survey);
        }
    }
}

static PoolState pool_of(const char *pool)
{
    Survey *survey = survey_new(200, true);
    survey_add(survey, ID);
    answer(survey, "[{\"id\":\"" ID "\",\"name\":\"x\",\"flow_id\":\"f\",\"work_pool_name\":\"p\"}]");
    answer(survey, pool);
    PoolState state = survey_find(survey, ID)->pool;
    survey_free(survey);
    return state;
}

static void pools(void **state)
{
    (void)state;
#define POOL "[{\"id\":\"1\",\"name\":\"p\","
    assert_int_equal(pool_of(POOL "\"status\":\"READY\"}]"), POOL_READY);
    assert_int_equal(pool_of(POOL "\"status\":\"NOT_READY\",\"type\":\"process\"}]"), POOL_WITHOUT_WORKER);
    assert_int_equal(pool_of(POOL "\"status\":\"PAUSED\"}]"), POOL_PAUSED);
    assert_int_equal(pool_of(POOL "\"status\":\"READY\",\"is_paused\":true}]"), POOL_PAUSED);
    assert_int_equal(pool_of(POOL "\"status\":null,\"type\":\"prefect-agent\"}]"), POOL_UNKNOWN);
    assert_int_equal(pool_of(POOL "\"status\":\"NOT_READY\",\"type\":\"cloud-run:push\"}]"), POOL_UNKNOWN);
    assert_int_equal(pool_of("[]"), POOL_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_request_for_each_kind),
        cmocka_unit_test(no_flow_no_deployments),
        cmocka_unit_test(a_full_page_is_followed_by_another),
        cmocka_unit_test(pages_are_bounded_and_what_they_did_not_show_is_not_missing),
        cmocka_unit_test(large_replies_are_asked_for_in_parts),
        cmocka_unit_test(nothing_but_large_replies_ends_too),
        cmocka_unit_test(what_decides_nothing_may_be_asked_again),
        cmocka_unit_test(refusals_leave_it_unknown),
        cmocka_unit_test(pools),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

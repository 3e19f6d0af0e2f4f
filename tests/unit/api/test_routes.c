/* SPDX-License-Identifier: Apache-2.0 */
#include "api/routes.h"
#include "fixture.h"

static Match match_of(const char *method, const char *text, Path *path)
{
    assert_true(path_split(text, path));
    return route_match(method, path);
}

static void test_each_pattern_finds_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < route_count(); i++) {
        Path path;
        Match match = match_of("PATCH", route_name(i), &path);
        assert_int_equal(match.handler, i);
        assert_null(match.route);
        assert_non_null(match.allow);
        path_release(&path);
    }
    assert_string_equal(route_name(route_count()), "other");
}

static void test_names_are_decoded_once(void **state)
{
    (void)state;
    Path path;
    Match match = match_of("GET", "/v1/prefect/deployments/my%20flow/a%2Fb%2525", &path);
    assert_non_null(match.route);
    assert_string_equal(match.names[0], "my flow");
    assert_string_equal(match.names[1], "a/b%25");
    path_release(&path);
}

static void test_head_is_get(void **state)
{
    (void)state;
    Path path;
    assert_non_null(match_of("HEAD", "/metrics", &path).route);
    path_release(&path);
    assert_non_null(match_of("HEAD", "/v1/sendposts/daily", &path).route);
    path_release(&path);
}

static void test_wrong_methods(void **state)
{
    (void)state;
    Path path;
    assert_string_equal(match_of("DELETE", "/v1/sendposts", &path).allow, "GET, HEAD");
    path_release(&path);
    assert_string_equal(match_of("HEAD", "/v1/sendposts/daily/run", &path).allow, "POST");
    path_release(&path);
}

static void test_unknown_paths(void **state)
{
    (void)state;
    static const char *const paths[] = {"/pages/status",
                                        "",
                                        "*",
                                        "//",
                                        "/v1",
                                        "/v1/sendposts/",
                                        "/v1/sendposts//run",
                                        "/metrics/",
                                        "/v1/sendposts/a/b/c",
                                        "/a/b/c/d/e/f/g/h/i/j",
                                        "metrics",
                                        "/METRICS",
                                        "/v1/runs/x/again"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        Path path;
        Match match = match_of("GET", paths[i], &path);
        assert_null(match.route);
        assert_null(match.allow);
        assert_int_equal(match.handler, route_count());
        path_release(&path);
    }
}

static void test_bad_escapes(void **state)
{
    (void)state;
    Path path;
    assert_false(path_split("/v1/sendposts/%zz", &path));
    assert_false(path_split("/v1/sendposts/%00", &path));
    assert_false(path_split("/v1/sendposts/%4", &path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_pattern_finds_itself),
        cmocka_unit_test(test_names_are_decoded_once),
        cmocka_unit_test(test_head_is_get),
        cmocka_unit_test(test_wrong_methods),
        cmocka_unit_test(test_unknown_paths),
        cmocka_unit_test(test_bad_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

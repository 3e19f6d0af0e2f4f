/* SPDX-License-Identifier: Apache-2.0 */
#include "api/rate_limit.h"
#include "base/limits.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_off(void **state)
{
    (void)state;
    assert_null(rate_limit_new(0, 400, 1));
    assert_true(rate_limit_allow(NULL, 7, 0, NULL));
    rate_limit_free(NULL);
}

static void test_burst_then_rate(void **state)
{
    (void)state;
    RateLimit *limit = rate_limit_new(2, 3, 1);
    int seconds = 0;
    for (int i = 0; i < 3; i++) {
        assert_true(rate_limit_allow(limit, 7, 1000, &seconds));
    }
    assert_false(rate_limit_allow(limit, 7, 1000, &seconds));
    assert_int_equal(seconds, 1);
    assert_true(rate_limit_allow(limit, 8, 1000, &seconds));
    assert_false(rate_limit_allow(limit, 7, 1499, &seconds));
    assert_true(rate_limit_allow(limit, 7, 1500, &seconds));
    assert_false(rate_limit_allow(limit, 7, 1500, &seconds));
    rate_limit_free(limit);
}

static void test_never_more_than_the_burst(void **state)
{
    (void)state;
    RateLimit *limit = rate_limit_new(1000000, 2, 1);
    int seconds = 0, allowed = 0;
    assert_true(rate_limit_allow(limit, 7, 0, &seconds));
    for (int i = 0; i < 10; i++) {
        allowed += rate_limit_allow(limit, 7, INT64_MAX / 2, &seconds);
    }
    assert_int_equal(allowed, 2);
    rate_limit_free(limit);
}

static void test_a_refusal_costs_nothing(void **state)
{
    (void)state;
    RateLimit *limit = rate_limit_new(1, 1, 1);
    int seconds = 0;
    assert_true(rate_limit_allow(limit, 7, 0, &seconds));
    for (int64_t now = 100; now < 1000; now += 100) {
        assert_false(rate_limit_allow(limit, 7, now, &seconds));
        assert_int_equal(seconds, 1);
    }
    assert_true(rate_limit_allow(limit, 7, 1000, &seconds));
    rate_limit_free(limit);
}

static void test_more_addresses_than_places(void **state)
{
    (void)state;
    RateLimit *limit = rate_limit_new(1, 1, 99);
    int seconds = 0;
    for (uint64_t address = 0; address < 4 * RATE_LIMIT_CLIENTS; address++) {
        assert_true(rate_limit_allow(limit, address, (int64_t)address, &seconds));
        assert_false(rate_limit_allow(limit, address, (int64_t)address, &seconds));
    }
    rate_limit_free(limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_off),
        cmocka_unit_test(test_burst_then_rate),
        cmocka_unit_test(test_never_more_than_the_burst),
        cmocka_unit_test(test_a_refusal_costs_nothing),
        cmocka_unit_test(test_more_addresses_than_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

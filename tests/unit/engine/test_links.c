/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"
#include "engine/links.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_pages(void **state)
{
    (void)state;
    auto_free char *flow_run = flow_run_url("http://p:4200", "0192");
    assert_string_equal(flow_run, "http://p:4200/flow-runs/flow-run/0192");
    auto_free char *deployment = deployment_url("http://p:4200", "77");
    assert_string_equal(deployment, "http://p:4200/deployments/deployment/77");
}

static void test_nothing_to_link(void **state)
{
    (void)state;
    assert_null(flow_run_url(NULL, "0192"));
    assert_null(flow_run_url("", "0192"));
    assert_null(flow_run_url("http://p:4200", NULL));
    assert_null(deployment_url("http://p:4200", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_nothing_to_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

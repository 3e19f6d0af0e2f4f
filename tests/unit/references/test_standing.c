/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "references/standing.h"

#define HEAD "name: daily\nstages:\n"

static void a_new_definition_keeps_what_is_known(void **state)
{
    (void)state;
    Standing *standing = standing_new();
    Definition *first = fixture_read(HEAD "- {name: a, run: f/a}\n- {name: b, run: f/b}\n- {name: c, run: f/c}\n");
    Definition *second =
        fixture_read(HEAD "- {name: new, run: f/n}\n- {name: b, run: f/other}\n- {name: a, run: f/a}\n");
    assert_null(standing_find(standing, "daily"));
    standing_load(standing, first);
    for (int node = 0; node < 3; node++) {
        assert_int_equal(standing_set(standing, first, node, REFERENCE_MISSING), REFERENCE_FINE);
        assert_int_equal(standing_set(standing, first, node, REFERENCE_PAUSED), REFERENCE_MISSING);
    }
    standing_load(standing, first); /* again: nothing is lost */
    assert_int_equal(standing_find(standing, "daily")->problems[2], REFERENCE_PAUSED);
    standing_load(standing, second);
    const SendpostStanding *known = standing_find(standing, "daily");
    assert_ptr_equal(known->definition, second);
    assert_int_equal(known->problems[0], REFERENCE_FINE);
    assert_int_equal(known->problems[1], REFERENCE_FINE); /* another deployment now */
    assert_int_equal(known->problems[2], REFERENCE_PAUSED);
    /* A check of the old definition that comes too late changes nothing. */
    assert_int_equal(standing_set(standing, first, 0, REFERENCE_MISSING), REFERENCE_MISSING);
    assert_int_equal(known->problems[0], REFERENCE_FINE);
    definition_release(first);
    definition_release(second);
    standing_free(standing);
}

static void what_is_gone_is_forgotten(void **state)
{
    (void)state;
    Standing *standing = standing_new();
    Definition *definition = fixture_read(HEAD "- {name: a, run: f/a}\n");
    standing_load(standing, definition);
    standing_forget(standing, "weekly");
    assert_non_null(standing_find(standing, "daily"));
    standing_forget(standing, "daily");
    assert_null(standing_find(standing, "daily"));
    assert_int_equal(standing_set(standing, definition, 0, REFERENCE_MISSING), REFERENCE_MISSING);
    assert_int_equal(definition->references, 1);
    definition_release(definition);
    standing_free(standing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_definition_keeps_what_is_known),
        cmocka_unit_test(what_is_gone_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

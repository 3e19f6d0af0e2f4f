/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "references/uses.h"

typedef struct World {
    ReferenceUses *uses;
    Definition *one, *two;
    ReferenceUse *added_one, *added_two;
} World;

static void world_init(World *world)
{
    world->uses = reference_uses_new();
    world->one = fixture_read("name: one\nstages:\n- {name: a, run: f/b}\n- {name: b, run: f/a}\n");
    world->two = fixture_read("name: two\nstages:\n- {name: a, parallel: [{name: b, observe: f/b}]}\n"
                              "- {name: c, run: f/c}\n");
    world->added_one = reference_uses_add(world->uses, world->one, world->one);
    world->added_two = reference_uses_add(world->uses, world->two, world->two);
}

static void remove_one(World *world)
{
    reference_uses_remove(world->uses, memory_steal(&world->added_one));
}

static void world_release(World *world)
{
    if (world->added_one) {
        remove_one(world);
    }
    reference_uses_remove(world->uses, world->added_two);
    reference_uses_free(world->uses);
    definition_release(world->one);
    definition_release(world->two);
}

/* The next of the batch, as "owner/stage deployment"; "" at its end. */
static void next_is(World *world, const char *expected)
{
    const ReferenceUse *use = reference_uses_next(world->uses);
    auto_free char *text = use ? text_format("%s/%s %s", ((const Definition *)use->owner)->name,
                                             use->definition->nodes[use->node].path, use->deployment->reference)
                               : text_copy("");
    assert_string_equal(text, expected);
}

static void what_is_loaded_is_looked_at_once_by_deployment(void **state)
{
    (void)state;
    World world;
    world_init(&world);
    assert_int_equal(reference_uses_deployments(world.uses), 3);
    assert_true(reference_uses_begin_fresh(world.uses, 1));
    next_is(&world, "two/a/b f/b");
    next_is(&world, "one/a f/b");
    next_is(&world, "");
    assert_true(reference_uses_begin_fresh(world.uses, 200));
    next_is(&world, "one/b f/a");
    next_is(&world, "two/c f/c");
    next_is(&world, "");
    assert_false(reference_uses_any_fresh(world.uses));
    assert_false(reference_uses_begin_fresh(world.uses, 200));
    world_release(&world);
}

static void of_what_is_known_only_new_stages_are_fresh(void **state)
{
    (void)state;
    World world;
    world_init(&world);
    remove_one(&world);
    assert_true(reference_uses_begin_fresh(world.uses, 200));
    next_is(&world, "two/a/b f/b");
    world.added_one = reference_uses_add(world.uses, world.one, world.one); /* not of this batch */
    next_is(&world, "two/c f/c");
    next_is(&world, "");
    assert_true(reference_uses_begin_fresh(world.uses, 200));
    next_is(&world, "one/b f/a");
    next_is(&world, "one/a f/b");
    next_is(&world, "");
    world_release(&world);
}

static void all_have_their_turn(void **state)
{
    (void)state;
    World world;
    world_init(&world);
    assert_int_equal(reference_uses_begin_oldest(world.uses, 2), 2); /* fresh: looked at anyway */
    next_is(&world, "");
    while (reference_uses_begin_fresh(world.uses, 200)) {
        while (reference_uses_next(world.uses)) {
        }
    }
    assert_int_equal(reference_uses_begin_oldest(world.uses, 2), 2); /* c, b */
    next_is(&world, "two/c f/c");
    next_is(&world, "two/a/b f/b");
    next_is(&world, "one/a f/b");
    next_is(&world, "");
    assert_int_equal(reference_uses_begin_oldest(world.uses, 200), 3);
    next_is(&world, "one/b f/a");
    reference_uses_put_back(world.uses);
    assert_int_equal(reference_uses_begin_oldest(world.uses, 1), 1);
    next_is(&world, "one/b f/a");
    next_is(&world, "");
    world_release(&world);
}

static void what_was_put_back_is_fresh_still(void **state)
{
    (void)state;
    World world;
    world_init(&world);
    assert_true(reference_uses_begin_fresh(world.uses, 200));
    reference_uses_put_back(world.uses);
    assert_true(reference_uses_begin_fresh(world.uses, 200));
    next_is(&world, "two/c f/c");
    world_release(&world);
}

/* A definition may go while a batch is looked at, and its deployments with it. */
static void what_is_removed_is_no_longer_judged(void **state)
{
    (void)state;
    World world;
    world_init(&world);
    assert_true(reference_uses_begin_fresh(world.uses, 200));
    next_is(&world, "two/a/b f/b");
    remove_one(&world);
    assert_int_equal(reference_uses_deployments(world.uses), 2);
    next_is(&world, "two/c f/c");
    next_is(&world, "");
    world_release(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_loaded_is_looked_at_once_by_deployment),
        cmocka_unit_test(of_what_is_known_only_new_stages_are_fresh),
        cmocka_unit_test(all_have_their_turn),
        cmocka_unit_test(what_was_put_back_is_fresh_still),
        cmocka_unit_test(what_is_removed_is_no_longer_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

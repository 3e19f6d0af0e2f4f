/* SPDX-License-Identifier: Apache-2.0 */
/* Files come, go, break, and take over each other's sendposts. */
#include "engine/internal.h"
#include "fixture.h"

#define STAGE "stages:\n- {name: a, run: f/a}\n"

static void load(Fixture *fixture, const char *file, const char *text)
{
    Definition *definition = fixture_read(text);
    fixture_step(fixture, &(Happening){.kind = HAPPENED_LOADED,
                                       .file = {.file = file, .revision = "r2", .definition = definition}});
    definition_release(definition);
}

static void gone(Fixture *fixture, const char *file)
{
    fixture_step(fixture, &(Happening){.kind = HAPPENED_GONE, .file = {.file = file}});
}

static void broken(Fixture *fixture, const char *file)
{
    fixture_step(fixture, &(Happening){.kind = HAPPENED_BROKEN,
                                       .file = {.file = file, .message = "no", .line = 2, .column = 3}});
}

static const Sendpost *find(const Fixture *fixture, const char *name)
{
    return engine_sendpost_find(fixture->engine, name);
}

static void a_sendpost_may_move_to_another_file(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\n" STAGE);
    load(&fixture, "b.yaml", "name: one\n" STAGE);
    gone(&fixture, "a.yaml");
    assert_int_equal(fixture.actions.changes.event_count, 0);
    assert_string_equal(find(&fixture, "one")->file, "b.yaml");
    assert_false(find(&fixture, "one")->retired);
    broken(&fixture, "b.yaml");
    assert_string_equal(find(&fixture, "one")->error, "no");
    gone(&fixture, "b.yaml");
    assert_null(find(&fixture, "one"));
    fixture_release(&fixture);
}

static void expect_event(const Fixture *fixture, EventType type, const char *sendpost)
{
    const Changes *changes = &fixture->actions.changes;
    assert_int_equal(changes->event_count, 1);
    assert_int_equal(changes->events[0].type, type);
    assert_string_equal(changes->events[0].sendpost, sendpost);
}

/* Who was told that it is broken, or retired, is told that it is not, also when the text is what it was. */
static void what_is_back_is_told_of(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\n" STAGE);
    broken(&fixture, "a.yaml");
    expect_event(&fixture, EVENT_DEFINITION_BROKEN, "one");
    load(&fixture, "a.yaml", "name: one\n" STAGE);
    expect_event(&fixture, EVENT_DEFINITION_LOADED, "one");
    load(&fixture, "a.yaml", "name: one\n" STAGE);
    assert_int_equal(fixture.actions.changes.event_count, 0);
    gone(&fixture, "a.yaml");
    expect_event(&fixture, EVENT_DEFINITION_RETIRED, "one");
    load(&fixture, "a.yaml", "name: one\n" STAGE);
    expect_event(&fixture, EVENT_DEFINITION_LOADED, "one");
    fixture_release(&fixture);
}

static void what_the_journal_has_is_not_written_again(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\n" STAGE);
    load(&fixture, "b.yaml", "name: two\n" STAGE);
    assert_int_equal(fixture.actions.changes.definition_count, 1);
    Definition *definition = fixture_read("name: three\n" STAGE);
    FileEvent event = {.file = "c.yaml", .revision = "r2", .definition = definition, .kept = true};
    fixture_step(&fixture, &(Happening){.kind = HAPPENED_LOADED, .file = event});
    assert_non_null(find(&fixture, "three"));
    assert_int_equal(fixture.actions.changes.definition_count, 0);
    definition_release(definition);
    fixture_release(&fixture);
}

static void files_may_exchange_their_sendposts(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\n" STAGE);
    load(&fixture, "b.yaml", "name: two\n" STAGE);
    load(&fixture, "a.yaml", "name: two\n" STAGE);
    load(&fixture, "b.yaml", "name: one\n" STAGE);
    assert_string_equal(find(&fixture, "one")->file, "b.yaml");
    assert_string_equal(find(&fixture, "two")->file, "a.yaml");
    broken(&fixture, "a.yaml");
    assert_null(find(&fixture, "one")->error);
    assert_int_equal(find(&fixture, "two")->error_line, 2);
    gone(&fixture, "a.yaml");
    assert_null(find(&fixture, "two"));
    assert_non_null(find(&fixture, "one"));
    fixture_release(&fixture);
}

/* What the journal remembers of a file that is gone is forgotten, also when it defined nothing since the start. */
static void a_file_that_is_gone_is_forgotten(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\n" STAGE);
    gone(&fixture, "before.yaml");
    const Changes *changes = &fixture.actions.changes;
    assert_int_equal(changes->definition_count, 1);
    assert_null(changes->definitions[0].definition);
    assert_string_equal(changes->definitions[0].file, "before.yaml");
    assert_non_null(find(&fixture, "one"));
    fixture_release(&fixture);
}

/* Changes outlive what they are about until they are committed. */
static void a_file_may_change_twice_in_a_turn(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\n" STAGE);
    actions_clear(&fixture.actions);
    static const char *const texts[] = {"name: one\nowner: x\n" STAGE, "name: one\nowner: y\n" STAGE};
    static const char *const files[] = {"b.yaml", "c.yaml"};
    for (int i = 0; i < 2; i++) {
        Definition *definition = fixture_read(texts[i]);
        Happening loaded = {.kind = HAPPENED_LOADED, .file = {.file = files[i], .definition = definition}};
        engine_step(fixture.engine, &loaded, fixture.now, &fixture.actions);
        definition_release(definition);
    }
    const Changes *changes = &fixture.actions.changes;
    assert_int_equal(changes->definition_count, 2);
    assert_string_equal(changes->definitions[0].definition->owner, "x");
    assert_string_equal(changes->definitions[0].file, "b.yaml");
    assert_string_equal(changes->definitions[1].definition->owner, "y");
    fixture_release(&fixture);
}

static void files_are_listed_by_name(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\n" STAGE);
    static const char *const added[] = {"m.yaml", "c.yaml", "z.yaml", "b.yaml", "c.yaml"};
    for (size_t i = 0; i < sizeof added / sizeof *added; i++) {
        broken(&fixture, added[i]);
    }
    gone(&fixture, "m.yaml");
    static const char *const expected[] = {"a.yaml", "b.yaml", "c.yaml", "z.yaml"};
    assert_int_equal(engine_file_count(fixture.engine), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(engine_file_at(fixture.engine, i)->file, expected[i]);
    }
    fixture_release(&fixture);
}

/* The number of stages that deployments are named by; each is one that a sendpost has, and linked both ways. */
static size_t naming_stages(const Fixture *fixture)
{
    size_t count = 0, at = 0;
    const char *reference;
    void *value;
    while (map_each(fixture->engine->deployments.by_reference, &at, &reference, &value)) {
        Deployment *deployment = value;
        SendpostStage *const *link = &deployment->named_by;
        for (SendpostStage *stage = *link; stage; link = &stage->next_naming, stage = *link) {
            size_t node = (size_t)(stage - stage->sendpost->stages);
            assert_true(stage->naming == link && stage->deployment == deployment);
            assert_true(node < stage->sendpost->stage_count);
            assert_string_equal(stage->sendpost->definition->nodes[node].deployment, reference);
            count++;
        }
    }
    return count;
}

static size_t leaves(const Fixture *fixture)
{
    size_t count = 0, at = 0;
    const char *name;
    void *value;
    while (map_each(fixture->engine->by_name, &at, &name, &value)) {
        const Definition *definition = ((const Sendpost *)value)->definition;
        for (size_t i = 0; i < definition->node_count; i++) {
            count += node_is_leaf(&definition->nodes[i]);
        }
    }
    return count;
}

static void change_at_random(Fixture *fixture, uint32_t *seed)
{
    uint32_t drawn[8];
    for (size_t i = 0; i < sizeof drawn / sizeof *drawn; i++) {
        *seed = *seed * 1664525 + 1013904223;
        drawn[i] = *seed >> 16;
    }
    char file[] = {(char)('a' + drawn[0] % 4), '\0'};
    if (drawn[1] % 4 == 0) {
        gone(fixture, file);
        return;
    }
    auto_free char *text =
        text_format("name: s%u\nstages:\n- {name: p%u, run: f/d%u}\n"
                    "- name: group\n  parallel:\n  - {name: p%u, run: f/d%u}\n  - {name: q, run: f/d%u}\n",
                    drawn[2] % 4, drawn[3] % 3, drawn[4] % 3, drawn[5] % 3, drawn[6] % 3, drawn[7] % 3);
    load(fixture, file, text);
}

/* Whatever changes, is renamed, goes or comes back: a deployment never knows a stage that moved or is no more. */
static void deployments_are_named_by_the_stages_there_are(void **state)
{
    (void)state;
    Fixture fixture;
    fixture_init(&fixture, "name: one\n" STAGE);
    uint32_t seed = 1;
    for (int i = 0; i < 2000; i++) {
        change_at_random(&fixture, &seed);
        assert_int_equal(naming_stages(&fixture), leaves(&fixture));
    }
    fixture_release(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sendpost_may_move_to_another_file),
        cmocka_unit_test(what_is_back_is_told_of),
        cmocka_unit_test(what_the_journal_has_is_not_written_again),
        cmocka_unit_test(files_may_exchange_their_sendposts),
        cmocka_unit_test(a_file_that_is_gone_is_forgotten),
        cmocka_unit_test(a_file_may_change_twice_in_a_turn),
        cmocka_unit_test(files_are_listed_by_name),
        cmocka_unit_test(deployments_are_named_by_the_stages_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "directory.h"

static void changes_are_seen_once(void **state)
{
    (void)state;
    define("a.yaml", "a");
    write_file(".hidden.yaml", "nonsense");
    write_file("notes.txt", "nonsense");
    Catalogue *catalogue = catalogue_of(directory, "loaded a.yaml as a; ");
    expect_scan(catalogue, "");
    define("b.yml", "b");
    write_file("a.yaml", "name: a\nowner: x\n" STAGES);
    expect_scan(catalogue, "loaded a.yaml as a; loaded b.yml as b; ");
    shell("rm a.yaml");
    expect_scan(catalogue, "gone a.yaml; ");
    assert_int_equal(catalogue_statistics(catalogue)->loaded, 1);
    catalogue_free(catalogue);
}

static void same_bytes_are_no_change(void **state)
{
    (void)state;
    define("a.yaml", "a");
    Catalogue *catalogue = catalogue_of(directory, "loaded a.yaml as a; ");
    shell("touch a.yaml && cp a.yaml .a.tmp && mv .a.tmp a.yaml");
    expect_scan(catalogue, "");
    catalogue_free(catalogue);
}

static void editors_leave_other_files(void **state)
{
    (void)state;
    define("a.yaml", "a");
    Catalogue *catalogue = catalogue_of(directory, "loaded a.yaml as a; ");
    shell("cp a.yaml a.yaml~; cp a.yaml .a.yaml.swp; cp a.yaml 4913; cp a.yaml '#a.yaml#'; ln -s me@host.1:2 .#a.yaml;"
          "cp a.yaml a.yaml.bak; cp a.yaml .goutputstream-X1");
    expect_scan(catalogue, "");
    catalogue_free(catalogue);
}

static void broken_file_keeps_its_last_good_definition(void **state)
{
    (void)state;
    define("a.yaml", "a");
    Catalogue *catalogue = catalogue_of(directory, "loaded a.yaml as a; ");
    write_file("a.yaml", "name: a\nstagess: []\n");
    expect_scan(catalogue, "broken a.yaml; ");
    assert_int_equal(catalogue_statistics(catalogue)->loaded, 1);
    assert_int_equal(catalogue_statistics(catalogue)->broken, 1);
    assert_false(catalogue_statistics(catalogue)->last_reload_successful);
    catalogue_replay(catalogue);
    CatalogueChange change;
    assert_true(catalogue_take(catalogue, &change));
    assert_int_equal(change.kind, CATALOGUE_LOADED);
    assert_true(catalogue_take(catalogue, &change));
    assert_int_equal(change.kind, CATALOGUE_BROKEN);
    assert_int_equal(change.line, 1);
    define("a.yaml", "a");
    expect_scan(catalogue, "loaded a.yaml as a; ");
    assert_true(catalogue_statistics(catalogue)->last_reload_successful);
    catalogue_free(catalogue);
}

static void remember(Catalogue *catalogue, const char *file, const char *text)
{
    catalogue_remember(catalogue, file, "r1", text, strlen(text));
}

static void what_was_good_is_remembered(void **state)
{
    (void)state;
    Catalogue *catalogue = catalogue_new(directory);
    remember(catalogue, "a.yaml", "name: a\n" STAGES);
    remember(catalogue, "b.yaml", "name: b\n" STAGES);
    remember(catalogue, "c.yaml", "text of a grammar to come");
    write_file("a.yaml", "[");
    catalogue_start(catalogue);
    expect_run(catalogue, "loaded a.yaml as a; broken a.yaml; gone b.yaml; gone c.yaml; ");
    remember(catalogue, "a.yaml", "name: a\n" STAGES);
    remember(catalogue, "b.yaml", "name: b\n" STAGES); /* the commit of "gone" failed */
    CatalogueChange change;
    assert_true(catalogue_take(catalogue, &change));
    assert_int_equal(change.kind, CATALOGUE_GONE);
    assert_string_equal(change.definition ? change.definition->name : "", "b"); /* whose ticks are to be forgotten */
    expect_scan(catalogue, "");
    catalogue_free(catalogue);
}

static bool next_is_kept(Catalogue *catalogue)
{
    CatalogueChange change;
    assert_true(catalogue_take(catalogue, &change));
    assert_int_equal(change.kind, CATALOGUE_LOADED);
    return change.kept;
}

/* What the journal has already needs no writing: the same text, of the same revision. */
static void what_is_as_it_was_remembered_is_kept(void **state)
{
    (void)state;
    define("a.yaml", "a");
    Catalogue *first = catalogue_of(directory, "loaded a.yaml as a; ");
    for (int same = 0; same < 2; same++) {
        Catalogue *catalogue = catalogue_new(directory);
        const char *revision = same ? catalogue_statistics(first)->attempted : "r1", *text = "name: a\n" STAGES;
        catalogue_remember(catalogue, "a.yaml", revision, text, strlen(text));
        catalogue_start(catalogue);
        assert_int_equal(next_is_kept(catalogue), same);
        catalogue_replay(catalogue); /* a commit failed */
        assert_false(next_is_kept(catalogue));
        catalogue_free(catalogue);
    }
    Catalogue *catalogue = catalogue_new(directory);
    remember(catalogue, "a.yaml", "name: a\ndescription: other\n" STAGES);
    catalogue_start(catalogue);
    assert_false(next_is_kept(catalogue));
    catalogue_free(catalogue);
    catalogue_free(first);
}

static void who_had_a_name_is_remembered(void **state)
{
    (void)state;
    Catalogue *catalogue = catalogue_new(directory);
    remember(catalogue, "b.yaml", "name: same\n" STAGES);
    remember(catalogue, "c.yaml", "name: same\n" STAGES);
    define("a.yaml", "same");
    define("b.yaml", "same");
    catalogue_start(catalogue);
    expect_run(catalogue, "broken a.yaml; loaded b.yaml as same; gone c.yaml; ");
    catalogue_free(catalogue);
}

static void names_are_unique(void **state)
{
    (void)state;
    define("a.yaml", "same");
    Catalogue *catalogue = catalogue_of(directory, "loaded a.yaml as same; ");
    define("b.yaml", "same");
    expect_scan(catalogue, "broken b.yaml; ");
    shell("rm a.yaml");
    expect_scan(catalogue, "loaded b.yaml as same; gone a.yaml; ");
    catalogue_free(catalogue);
    define("c.yaml", "same");
    catalogue = catalogue_of(directory, "broken b.yaml; broken c.yaml; ");
    define("c.yaml", "other");
    expect_scan(catalogue, "loaded b.yaml as same; loaded c.yaml as other; ");
    catalogue_free(catalogue);
}

static void a_name_may_change(void **state)
{
    (void)state;
    define("a.yaml", "old");
    Catalogue *catalogue = catalogue_of(directory, "loaded a.yaml as old; ");
    define("a.yaml", "new");
    expect_scan(catalogue, "gone a.yaml; loaded a.yaml as new; ");
    catalogue_free(catalogue);
}

static void a_name_may_move(void **state)
{
    (void)state;
    define("a.yaml", "one");
    define("b.yaml", "two");
    Catalogue *catalogue = catalogue_of(directory, "loaded a.yaml as one; loaded b.yaml as two; ");
    shell("mv a.yaml c.yaml");
    expect_scan(catalogue, "loaded c.yaml as one; gone a.yaml; ");
    shell("mv b.yaml x; mv c.yaml b.yaml; mv x c.yaml"); /* they exchange their places */
    expect_scan(catalogue, "loaded b.yaml as one; loaded c.yaml as two; ");
    define("b.yaml", "two"); /* and their names */
    define("c.yaml", "one");
    expect_scan(catalogue, "loaded b.yaml as two; loaded c.yaml as one; ");
    shell("mkdir sub && mv *.yaml sub");
    expect_scan(catalogue, "loaded sub/b.yaml as two; loaded sub/c.yaml as one; gone b.yaml; gone c.yaml; ");
    catalogue_free(catalogue);
}

/* a wants the name that the broken b keeps: it is refused, keeps its own, and so c is refused too. */
static Catalogue *one_two_three(void)
{
    define("a.yaml", "one");
    define("b.yaml", "two");
    define("c.yaml", "three");
    return catalogue_of(directory, "loaded a.yaml as one; loaded b.yaml as two; loaded c.yaml as three; ");
}

static void a_broken_file_may_be_renamed(void **state)
{
    (void)state;
    Catalogue *catalogue = one_two_three();
    write_file("a.yaml", "[");
    expect_scan(catalogue, "broken a.yaml; ");
    shell("mv a.yaml z.yaml"); /* the same bytes */
    expect_scan(catalogue, "loaded z.yaml as one; broken z.yaml; gone a.yaml; ");
    shell("rm b.yaml");
    write_file("y.yaml", "name: two\nstages: wrong\n"); /* broken as it moves, but it says its name */
    expect_scan(catalogue, "loaded y.yaml as two; broken y.yaml; gone b.yaml; ");
    assert_int_equal(catalogue_statistics(catalogue)->loaded, 3);
    shell("rm c.yaml");
    write_file("x.yaml", "["); /* nobody knows what this is; z.yaml is older */
    expect_scan(catalogue, "broken x.yaml; gone c.yaml; ");
    define("z.yaml", "one");
    expect_scan(catalogue, "loaded z.yaml as one; ");
    catalogue_free(catalogue);
}

static void what_may_be_several_files_is_none(void **state)
{
    (void)state;
    Catalogue *catalogue = one_two_three();
    write_file("a.yaml", "[");
    write_file("b.yaml", "[");
    write_file("c.yaml", "{");
    expect_scan(catalogue, "broken a.yaml; broken b.yaml; broken c.yaml; ");
    shell("mv a.yaml z.yaml; rm b.yaml; cp c.yaml y.yaml; mv c.yaml x.yaml");
    expect_scan(catalogue, "broken x.yaml; broken y.yaml; broken z.yaml; gone a.yaml; gone b.yaml; gone c.yaml; ");
    define("w.yaml", "four");
    expect_scan(catalogue, "loaded w.yaml as four; ");
    write_file("w.yaml", "name: four\nstages: wrong\n");
    expect_scan(catalogue, "broken w.yaml; ");
    shell("mv w.yaml v.yaml");
    define("u.yaml", "four"); /* a good one has the name */
    expect_scan(catalogue, "loaded u.yaml as four; broken v.yaml; gone w.yaml; ");
    catalogue_free(catalogue);
}

/* While no agent ran. */
static void a_renamed_file_is_remembered_by_its_name(void **state)
{
    (void)state;
    Catalogue *catalogue = catalogue_new(directory);
    remember(catalogue, "a.yaml", "name: a\n" STAGES);
    write_file("z.yaml", "name: a\nstages: wrong\n");
    catalogue_start(catalogue);
    expect_run(catalogue, "loaded z.yaml as a; broken z.yaml; gone a.yaml; ");
    catalogue_free(catalogue);
}

static void a_name_that_changed_meanwhile_is_retired(void **state)
{
    (void)state;
    Catalogue *catalogue = catalogue_new(directory);
    remember(catalogue, "a.yaml", "name: one\n" STAGES);
    remember(catalogue, "b.yaml", "name: two\n" STAGES);
    define("a.yaml", "new");
    define("b.yaml", "other");
    define("c.yaml", "two"); /* somebody has this name */
    catalogue_start(catalogue);
    expect_run(catalogue, "gone a.yaml; loaded a.yaml as new; loaded b.yaml as other; loaded c.yaml as two; ");
    assert_int_equal(catalogue_statistics(catalogue)->loaded, 3);
    catalogue_free(catalogue);
}

static void refusals_follow_from_refusals(void **state)
{
    (void)state;
    define("a.yaml", "one");
    define("b.yaml", "two");
    Catalogue *catalogue = catalogue_of(directory, "loaded a.yaml as one; loaded b.yaml as two; ");
    define("a.yaml", "two");
    write_file("b.yaml", "nonsense");
    define("c.yaml", "one");
    expect_scan(catalogue, "broken a.yaml; broken b.yaml; broken c.yaml; ");
    assert_int_equal(catalogue_statistics(catalogue)->loaded, 2);
    shell("rm b.yaml");
    expect_scan(catalogue, "loaded a.yaml as two; loaded c.yaml as one; gone b.yaml; ");
    catalogue_free(catalogue);
}

static void directory_that_vanishes_keeps_everything(void **state)
{
    (void)state;
    define("a.yaml", "a");
    Catalogue *catalogue = catalogue_of(directory, "loaded a.yaml as a; ");
    shell("mv \"$PWD\" \"$PWD-away\"");
    expect_scan(catalogue, "");
    assert_non_null(strstr(catalogue_statistics(catalogue)->error, "No such file"));
    assert_false(catalogue_statistics(catalogue)->last_reload_successful);
    assert_int_equal(catalogue_statistics(catalogue)->loaded, 1);
    char away[80];
    snprintf(away, sizeof away, "%s-away", directory);
    assert_int_equal(rename(away, directory), 0);
    expect_scan(catalogue, "");
    assert_null(catalogue_statistics(catalogue)->error);
    assert_true(catalogue_statistics(catalogue)->last_reload_successful);
    catalogue_free(catalogue);
}

static void directory_that_never_was_leaves_what_is_remembered(void **state)
{
    (void)state;
    char nowhere[80];
    snprintf(nowhere, sizeof nowhere, "%s/nowhere", directory);
    Catalogue *catalogue = catalogue_new(nowhere);
    remember(catalogue, "a.yaml", "name: a\n" STAGES);
    catalogue_start(catalogue);
    expect_run(catalogue, "loaded a.yaml as a; ");
    assert_non_null(catalogue_statistics(catalogue)->error);
    assert_string_equal(catalogue_statistics(catalogue)->attempted, "");
    shell("mkdir nowhere");
    define("nowhere/b.yaml", "b");
    expect_scan(catalogue, "loaded b.yaml as b; gone a.yaml; ");
    catalogue_free(catalogue);
}

static void a_directory_below_that_leads_nowhere_keeps_its_files(void **state)
{
    (void)state;
    shell("mkdir -p .real sub && ln -s .real link");
    define("link/a.yaml", "a");
    define("sub/b.yaml", "b");
    Catalogue *catalogue = catalogue_of(directory, "loaded link/a.yaml as a; loaded sub/b.yaml as b; ");
    shell("mv .real .away && ln -s nothing unrelated");
    expect_scan(catalogue, "");
    assert_non_null(catalogue_statistics(catalogue)->error);
    shell("rm link");
    expect_scan(catalogue, "gone link/a.yaml; ");
    assert_null(catalogue_statistics(catalogue)->error);
    catalogue_free(catalogue);
}

static void what_is_no_file_is_broken(void **state)
{
    (void)state;
    define("a.yaml", "a");
    define("b.yaml", "b");
    define("c.yaml", "c");
    Catalogue *catalogue = catalogue_of(directory, "loaded a.yaml as a; loaded b.yaml as b; loaded c.yaml as c; ");
    shell("rm *.yaml && mkfifo a.yaml && ln -s missing b.yaml && ln -s c.yaml c.yaml && mkdir d.yaml");
    expect_scan(catalogue, "broken a.yaml; broken b.yaml; broken c.yaml; ");
    assert_int_equal(catalogue_statistics(catalogue)->loaded, 3);
    expect_scan(catalogue, "");
    catalogue_free(catalogue);
}

/* Root reads everything: nobody does the reading. */
static void what_may_not_be_read_keeps_what_was_good(void **state)
{
    (void)state;
    shell("mkdir sub && chmod 755 . sub");
    define("a.yaml", "a");
    define("sub/b.yaml", "b");
    define("c.yaml", "c");
    uid_t self = geteuid();
    assert_int_equal(seteuid(self ? self : 65534), 0);
    Catalogue *catalogue = catalogue_of(directory, "loaded a.yaml as a; loaded c.yaml as c; loaded sub/b.yaml as b; ");
    assert_int_equal(seteuid(self), 0);
    shell("chmod 0 a.yaml sub && echo 'owner: x' >>c.yaml");
    assert_int_equal(seteuid(self ? self : 65534), 0);
    expect_scan(catalogue, "broken a.yaml; loaded c.yaml as c; ");
    assert_non_null(strstr(catalogue_statistics(catalogue)->error, "sub: Permission denied"));
    assert_int_equal(catalogue_statistics(catalogue)->loaded, 3);
    assert_int_equal(seteuid(self), 0);
    shell("chmod 755 a.yaml sub");
    expect_scan(catalogue, "loaded a.yaml as a; ");
    assert_null(catalogue_statistics(catalogue)->error);
    catalogue_free(catalogue);
}

static void links_are_followed(void **state)
{
    (void)state;
    shell("mkdir ..1 ..2");
    define("..1/a.yaml", "a");
    write_file("..2/a.yaml", "name: a\nowner: x\n" STAGES);
    shell("ln -s ..1 ..data && ln -s ..data/a.yaml a.yaml");
    Catalogue *catalogue = catalogue_of(directory, "loaded a.yaml as a; ");
    shell("ln -s ..2 ..new && mv -T ..new ..data");
    expect_scan(catalogue, "loaded a.yaml as a; ");
    shell("ln -s . loop && mkdir -p x y && ln -s ../y x/y && ln -s ../x y/x");
    expect_scan(catalogue, "");
    assert_null(catalogue_statistics(catalogue)->error);
    catalogue_free(catalogue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(changes_are_seen_once),
        TEST(same_bytes_are_no_change),
        TEST(editors_leave_other_files),
        TEST(broken_file_keeps_its_last_good_definition),
        TEST(what_was_good_is_remembered),
        TEST(what_is_as_it_was_remembered_is_kept),
        TEST(who_had_a_name_is_remembered),
        TEST(names_are_unique),
        TEST(a_name_may_change),
        TEST(a_name_may_move),
        TEST(a_broken_file_may_be_renamed),
        TEST(what_may_be_several_files_is_none),
        TEST(a_renamed_file_is_remembered_by_its_name),
        TEST(a_name_that_changed_meanwhile_is_retired),
        TEST(refusals_follow_from_refusals),
        TEST(directory_that_vanishes_keeps_everything),
        TEST(directory_that_never_was_leaves_what_is_remembered),
        TEST(a_directory_below_that_leads_nowhere_keeps_its_files),
        TEST(what_is_no_file_is_broken),
        TEST(what_may_not_be_read_keeps_what_was_good),
        TEST(links_are_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

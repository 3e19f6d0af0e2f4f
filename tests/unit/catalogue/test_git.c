/* SPDX-License-Identifier: Apache-2.0 */
/* Repositories are made by git itself. */
#include "catalogue/git.h"
#include "directory.h"

#define COMMIT "git -c user.name=x -c user.email=x@example.org commit -q --allow-empty -m x"

/* What `git rev-parse HEAD` prints below the directory. */
static void ask_git(const char *below, char commit[GIT_COMMIT_SIZE])
{
    char line[256];
    snprintf(line, sizeof line, "git -C '%s/%s' rev-parse HEAD", directory, below);
    FILE *pipe = popen(line, "r");
    assert_non_null(pipe);
    assert_non_null(fgets(commit, GIT_COMMIT_SIZE, pipe));
    pclose(pipe);
    commit[strcspn(commit, "\n")] = '\0';
}

static void expect_commit(const char *below)
{
    char expected[GIT_COMMIT_SIZE], commit[GIT_COMMIT_SIZE], path[256];
    const char *why;
    ask_git(below, expected);
    snprintf(path, sizeof path, "%s/%s", directory, below);
    Git *git = git_find(path);
    assert_non_null(git);
    assert_true(git_commit(git, commit, &why));
    assert_string_equal(commit, expected);
    git_free(git);
}

static void expect_none(const char *below, const char *because)
{
    char commit[GIT_COMMIT_SIZE], path[256];
    const char *why = NULL;
    snprintf(path, sizeof path, "%s/%s", directory, below);
    Git *git = git_find(path);
    assert_non_null(git);
    assert_false(git_commit(git, commit, &why));
    assert_non_null(strstr(why, because));
    git_free(git);
}

static void refs_are_loose_or_packed(void **state)
{
    (void)state;
    shell("git init -q . && mkdir -p below/deep");
    expect_none(".", "nothing is committed");
    shell(COMMIT);
    expect_commit(".");
    expect_commit("below/deep");
    shell("git branch other && git pack-refs --all");
    expect_commit(".");
    shell(COMMIT " && git checkout -q other");
    expect_commit(".");
    shell("git checkout -q --detach");
    expect_commit(".");
}

static void head_may_name_a_symbolic_ref(void **state)
{
    (void)state;
    shell("git init -q . && " COMMIT " && git symbolic-ref refs/heads/alias $(git symbolic-ref HEAD) && "
          "git symbolic-ref HEAD refs/heads/alias");
    expect_commit(".");
    shell("git symbolic-ref refs/heads/one refs/heads/two && git symbolic-ref refs/heads/two refs/heads/one && "
          "git symbolic-ref HEAD refs/heads/one");
    expect_none(".", "cannot be read");
}

static void linked_work_trees_and_submodules(void **state)
{
    (void)state;
    shell("git init -q main && cd main && " COMMIT " && git worktree add -q ../linked && " COMMIT);
    expect_commit("main");
    expect_commit("linked");
    shell("cd linked && " COMMIT " && git pack-refs --all");
    expect_commit("linked");
    shell("cd linked && git checkout -q --detach && cd ../main && " COMMIT);
    expect_commit("linked");
    shell("git init -q outer && cd outer && "
          "git -c protocol.file.allow=always submodule --quiet add ../main inner && " COMMIT);
    expect_commit("outer");
    expect_commit("outer/inner");
}

static void commits_of_sha256(void **state)
{
    (void)state;
    shell("git init -q --object-format=sha256 . && " COMMIT);
    expect_commit(".");
    shell("git pack-refs --all");
    expect_commit(".");
}

static void reftables_are_said_not_to_be_read(void **state)
{
    (void)state;
    shell("git init -q . && mkdir .git/reftable && echo 'ref: refs/heads/.invalid' >.git/HEAD");
    expect_none(".", "reftable");
}

static void nonsense_is_no_commit(void **state)
{
    (void)state;
    shell("git init -q . && echo 'ref: ../../../etc/passwd' >.git/HEAD");
    expect_none(".", "cannot be read");
    shell("echo nonsense >.git/HEAD");
    expect_none(".", "cannot be read");
    shell("rm -r .git && echo 'gitdir: nowhere' >.git");
    expect_none(".", "cannot be read");
    shell("echo nonsense >.git");
    assert_null(git_find(directory));
    assert_null(git_find("/nonexistent"));
}

static void locks_are_seen(void **state)
{
    (void)state;
    shell("git init -q main && cd main && " COMMIT " && git worktree add -q ../linked");
    char path[128];
    snprintf(path, sizeof path, "%s/linked", directory);
    Git *git = git_find(path);
    assert_false(git_busy(git));
    shell("touch main/.git/index.lock"); /* of another work tree */
    assert_false(git_busy(git));
    shell("touch main/.git/worktrees/linked/index.lock");
    assert_true(git_busy(git));
    git_free(git);
}

static void revision_of_the_directory(void **state)
{
    (void)state;
    define("a.yaml", "a");
    Catalogue *catalogue = catalogue_of(directory, "loaded a.yaml as a; ");
    const CatalogueStatistics *statistics = catalogue_statistics(catalogue);
    assert_int_equal(strlen(statistics->applied), 64);
    auto_free char *digest = text_copy(statistics->applied);
    expect_scan(catalogue, "");
    assert_string_equal(statistics->applied, digest);
    shell("git init -q . && git add . && " COMMIT);
    char commit[GIT_COMMIT_SIZE];
    ask_git(".", commit);
    expect_scan(catalogue, "");
    assert_string_equal(statistics->applied, commit);
    write_file("a.yaml", "nonsense");
    shell("git commit -qam y --author='x <x@example.org>' || " COMMIT);
    expect_scan(catalogue, "broken a.yaml; ");
    assert_string_equal(statistics->applied, commit);
    ask_git(".", commit);
    assert_string_equal(statistics->attempted, commit);
    shell("mkdir .git/reftable");
    expect_scan(catalogue, "");
    assert_int_equal(strlen(statistics->attempted), 64);
    assert_non_null(statistics->notices[NOTICE_REVISION]);
    catalogue_free(catalogue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(refs_are_loose_or_packed), TEST(head_may_name_a_symbolic_ref),      TEST(linked_work_trees_and_submodules),
        TEST(commits_of_sha256),        TEST(reftables_are_said_not_to_be_read), TEST(nonsense_is_no_commit),
        TEST(locks_are_seen),           TEST(revision_of_the_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

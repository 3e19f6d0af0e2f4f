/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "access/tokens.h"
#include "base/memory.h"
#include <string.h>

#define OF_ALICE "2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90" /* SHA-256 of "alice" */
#define OF_BOB   "81B637D8FCD2C6DA6359E6963113A1170DE795E4B725B84D1E0B4CFD9EC58CE9" /* of "bob" */

static Tokens *read(const char *yaml, Findings *findings)
{
    *findings = (Findings){0};
    return tokens_read(yaml, strlen(yaml), findings);
}

static void a_list_is_read(void **state)
{
    (void)state;
    Findings findings;
    Tokens *tokens = read("# who may do what\n- {name: Älice, role: operator, sha256: " OF_ALICE "}\n"
                          "- name: prometheus\n  role: metrics\n  sha256: " OF_BOB "\n",
                          &findings);
    assert_non_null(tokens);
    assert_int_equal(tokens->count, 2);
    const Token *alice = tokens_find(tokens, "alice"), *bob = tokens_find(tokens, "bob");
    assert_string_equal(alice->name, "Älice");
    assert_int_equal(alice->role, ROLE_OPERATOR);
    assert_int_equal(bob->role, ROLE_METRICS);
    assert_ptr_equal(tokens_find_digest(tokens, OF_ALICE), alice);
    assert_null(tokens_find(tokens, "Alice"));
    assert_null(tokens_find(tokens, ""));
    assert_null(tokens_find(tokens, OF_ALICE));
    tokens_free(tokens);
}

static void nobody_may_do_anything(void **state)
{
    (void)state;
    Findings findings;
    Tokens *tokens = read("[]\n", &findings);
    assert_non_null(tokens);
    assert_null(tokens_find(tokens, "alice"));
    tokens_free(tokens);
    tokens_free(NULL);
}

static void a_token_may_be_long_but_not_for_ever(void **state)
{
    (void)state;
    Findings findings;
    char secret[TOKEN_LENGTH_MAX + 2], sha256[2][DIGEST_HEX_SIZE];
    memset(secret, 'x', sizeof secret);
    for (size_t i = 0; i < 2; i++) {
        digest_sha256_hex(secret, TOKEN_LENGTH_MAX + i, sha256[i]);
    }
    auto_free char *yaml = text_format("- {name: a, role: reader, sha256: \"%s\"}\n- {name: b, role: reader, sha256: "
                                       "\"%s\"}\n",
                                       sha256[0], sha256[1]);
    Tokens *tokens = read(yaml, &findings);
    secret[TOKEN_LENGTH_MAX + 1] = '\0';
    assert_null(tokens_find(tokens, secret));
    secret[TOKEN_LENGTH_MAX] = '\0';
    assert_string_equal(tokens_find(tokens, secret)->name, "a");
    tokens_free(tokens);
}

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        int line, column;
        const char *message;
    } cases[] = {
        {"", 1, 1, "there must be a list of tokens, not null"},
        {"# all gone\n", 1, 1, "there must be a list of tokens, not null"},
        {"tokens: []\n", 1, 1, "there must be a list of tokens, not a mapping"},
        {"- alice\n", 1, 3, "a token must be a mapping, not a string"},
        {"- {name: a, role: reader}\n", 1, 3, "a token needs the key 'sha256'"},
        {"- {role: reader, sha256: " OF_ALICE "}\n", 1, 3, "a token needs the key 'name'"},
        {"- {name: a, sha256: " OF_ALICE "}\n", 1, 3, "a token needs the key 'role'"},
        {"- {name: a, role: admin, sha256: " OF_ALICE "}\n", 1, 19, "'role' must be metrics, reader or operator"},
        {"- {name: a, role: [], sha256: " OF_ALICE "}\n", 1, 19, "'role' must be a string, not a list"},
        {"- {name: a, role: reader, sha256: alice}\n", 1, 35, "'sha256' must be 64 hexadecimal digits"},
        {"- {name: a, role: reader, sha256: " OF_ALICE "0}\n", 1, 35, "'sha256' must be 64 hexadecimal digits"},
        {"- {name: a, role: reader, sha256: null}\n", 1, 35, "'sha256' must be a string, not null"},
        {"- {name: \"\", role: reader, sha256: " OF_ALICE "}\n", 1, 10, "'name' must be 1 to 63 printable characters"},
        {"- {name: \"a\\nb\", role: reader, sha256: " OF_ALICE "}\n", 1, 10, "'name' must be 1 to 63 printable"},
        {"- {name: \" a\", role: reader, sha256: " OF_ALICE "}\n", 1, 10, "'name' must be 1 to 63 printable"},
        {"- {name: a, role: reader, sha256: " OF_ALICE ", rol: reader}\n", 1, 101,
         "unknown key 'rol', did you mean 'role'?"},
        {"- {name: a, role: reader, sha256: " OF_ALICE ", token: x}\n", 1, 101,
         "unknown key 'token': only its 'sha256' is kept here"},
        {"- {name: a, role: reader, sha256: " OF_ALICE "}\n- {name: b, role: operator, sha256: " OF_ALICE "}\n", 2, 3,
         "the same 'sha256' is there already"},
        {"- {name: a, role: reader, sha256: " OF_ALICE, 1, 0, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Findings findings;
        assert_null(read(cases[i].yaml, &findings));
        const Finding *finding = findings_first_error(&findings);
        assert_non_null(finding);
        if (!strstr(finding->message, cases[i].message)) {
            fail_msg("%s: %s", cases[i].yaml, finding->message);
        }
        if (cases[i].column) {
            assert_int_equal(finding->line, cases[i].line);
            assert_int_equal(finding->column, cases[i].column);
        }
        findings_release(&findings);
    }
}

static void values_are_not_shown(void **state)
{
    (void)state;
    Findings findings;
    assert_null(read("- {name: \"s3cret\\t\", role: s3cret, sha256: s3cret}\n", &findings));
    assert_int_equal(findings.count, 3);
    for (size_t i = 0; i < findings.count; i++) {
        assert_null(strstr(findings.items[i].message, "s3cret"));
    }
    findings_release(&findings);
}

static void there_is_a_limit(void **state)
{
    (void)state;
    Findings findings;
    auto_buffer yaml;
    buffer_init(&yaml, 1 << 20);
    for (int i = 0; i < TOKENS_MAX; i++) {
        buffer_format(&yaml, "- {name: same, role: reader, sha256: \"%064d\"}\n", i);
    }
    Tokens *tokens = read(yaml.bytes, &findings);
    assert_non_null(tokens);
    assert_int_equal(tokens->count, TOKENS_MAX);
    tokens_free(tokens);
    buffer_format(&yaml, "- {name: same, role: reader, sha256: \"%064d\"}\n", TOKENS_MAX);
    assert_null(read(yaml.bytes, &findings));
    assert_string_equal(findings_first_error(&findings)->message, "there are more than 256 tokens");
    findings_release(&findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_read),
        cmocka_unit_test(nobody_may_do_anything),
        cmocka_unit_test(a_token_may_be_long_but_not_for_ever),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(values_are_not_shown),
        cmocka_unit_test(there_is_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "access/tokens.h"
#include "base/assert.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* Either tokens, each of them whole and found by its digest, or an error with a place. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    Findings findings = {0};
    Tokens *tokens = tokens_read((const char *)bytes, length, &findings);
    invariant((tokens == NULL) == (findings.errors > 0));
    for (size_t i = 0; tokens && i < tokens->count; i++) {
        const Token *token = &tokens->items[i];
        invariant(token->name && token_name_fits(token->name) && token->role < ROLES);
        invariant(tokens_find_digest(tokens, token->sha256) == token);
    }
    for (size_t i = 0; i < findings.count; i++) {
        invariant(findings.items[i].line >= 1 && findings.items[i].column >= 1);
    }
    tokens_free(tokens);
    findings_release(&findings);
    return 0;
}

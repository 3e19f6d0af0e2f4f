/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "definitions/definition.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* Either a definition or an error with a place; both can be printed. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    Findings findings = {0};
    Definition *definition = definition_read((const char *)bytes, length, NULL, &findings);
    invariant((definition == NULL) == (findings.errors > 0));
    for (size_t i = 0; i < findings.count; i++) {
        Buffer out;
        buffer_init(&out, 8 << 20);
        invariant(findings.items[i].line >= 1 && findings.items[i].column >= 1);
        finding_print(&findings.items[i], "file.yaml", (const char *)bytes, length, &out);
        buffer_release(&out);
    }
    definition_release(definition);
    findings_release(&findings);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/assert.h"
#include "time/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    Zone *zone = zone_parse(bytes, length, NULL);
    for (int64_t at = -3000000000; zone && at < 5000000000; at += 123456789) {
        int64_t instants[2];
        int count = zone_instants(zone, at, instants);
        invariant(count >= 0 && count <= 2);
        for (int i = 0; i < count; i++) {
            invariant(instants[i] + zone_offset(zone, instants[i]) == at);
        }
    }
    zone_free(zone);
    return 0;
}

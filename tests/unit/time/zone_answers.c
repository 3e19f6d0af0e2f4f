/* SPDX-License-Identifier: Apache-2.0 */
/* Answers lines "ZONE SECONDS" with the offset at that instant, and the instants whose local clock reads it. */
#include "time/zone.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    char name[80], loaded[80] = "";
    int64_t seconds;
    Zone *zone = NULL;
    while (scanf("%79s %" SCNd64, name, &seconds) == 2) {
        if (strcmp(name, loaded) != 0) {
            Error error = {0};
            zone_free(zone);
            zone = zone_load(NULL, name, &error);
            if (!zone) {
                fprintf(stderr, "%s: %s\n", name, error.text);
                return 1;
            }
            memcpy(loaded, name, sizeof loaded);
        }
        int64_t instants[2];
        int count = zone_instants(zone, seconds, instants);
        printf("%d", zone_offset(zone, seconds));
        for (int i = 0; i < count; i++) {
            printf(" %" PRId64, instants[i]);
        }
        putchar('\n');
    }
    zone_free(zone);
    return 0;
}

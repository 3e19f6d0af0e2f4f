/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "base/assert.h"
#include <errno.h>
#include <sys/random.h>

void random_bytes(void *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t got = getrandom((char *)bytes + done, length - done, 0);
        invariant(got > 0 || errno == EINTR);
        done += got > 0 ? (size_t)got : 0;
    }
}

uint64_t random_u64(void)
{
    uint64_t value;
    random_bytes(&value, sizeof value);
    return value;
}

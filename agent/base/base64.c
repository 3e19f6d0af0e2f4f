/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"
#include "base/memory.h"
#include <openssl/evp.h>

char *base64_encode(const void *bytes, size_t length)
{
    char *text = memory_new(4 * ((length + 2) / 3) + 1);
    EVP_EncodeBlock((unsigned char *)text, bytes, (int)length);
    return text;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* token: makes one. It is printed here and kept nowhere. */
#include "access/tokens.h"
#include "base/base64.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "commands/command.h"
#include "commands/yaml.h"
#include <stdio.h>
#include <string.h>

enum { TOKEN_BYTES = 32, OUTPUT_MAX = 1024 };

/* "sendpost_" lets scanners of secrets know it; the alphabet of RFC 4648, 5, is that of headers and URLs. */
static char *make_token(void)
{
    uint8_t secret[TOKEN_BYTES];
    random_bytes(secret, sizeof secret);
    auto_free char *text = base64_encode(secret, sizeof secret);
    for (char *at = text; *at; at++) {
        *at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
    }
    return text_format("sendpost_%.*s", (int)strcspn(text, "="), text);
}

static const char *usual_name(void)
{
    const char *user = getenv("USER");
    return user && token_name_fits(user) ? user : "token";
}

static bool is_role(const char *role)
{
    for (int i = 0; i < ROLES; i++) {
        if (text_equal(role_names[i], role)) {
            return true;
        }
    }
    return false;
}

static Status run(const CommandLine *line)
{
    const char *name = option_value(line, "name"), *role = option_value(line, "role");
    name = name ? name : usual_name();
    role = role ? role : role_names[ROLE_READER];
    if (!token_name_fits(name)) {
        return complain(STATUS_USAGE, "token", "--name is 1 to 63 printable characters");
    }
    if (!is_role(role)) {
        return complain(STATUS_USAGE, "token", "--role is metrics, reader or operator");
    }
    auto_free char *token = make_token();
    char sha256[DIGEST_HEX_SIZE];
    digest_sha256_hex(token, strlen(token), sha256);
    auto_buffer out;
    buffer_init(&out, OUTPUT_MAX);
    buffer_format(&out, "%s\n- {name: ", token);
    yaml_write_text(&out, name, false);
    buffer_format(&out, ", role: %s, sha256: %s}\n", role, sha256);
    print(&out);
    fputs("The first line is the token, which is shown only this once; the second goes into http.tokens_file.\n",
          stderr);
    return STATUS_DONE;
}

static const Option options[] = {
    {"name", 0, "NAME", false, "whose it is, for audit records (default: your user name)"},
    {"role", 0, "metrics|reader|operator", false, "what it is good for (default: reader)"},
    {0},
};

const Command command_token = {.name = "token",
                               .arguments = "",
                               .options = options,
                               .summary = "Makes a token for the API, and the line of http.tokens_file that lets it in",
                               .run = run};

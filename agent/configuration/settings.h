/* SPDX-License-Identifier: Apache-2.0 */
/* The one table of settings; only configuration/ includes it. */
#ifndef SENDPOST_CONFIGURATION_SETTINGS_H
#define SENDPOST_CONFIGURATION_SETTINGS_H

#include "configuration/configuration.h"

typedef enum SettingType {
    SETTING_TEXT,     /* char * */
    SETTING_PATH,     /* char *; relative to the file that says it */
    SETTING_URL,      /* char *; http or https, without a slash at its end */
    SETTING_DURATION, /* int64_t ms; minimum */
    SETTING_INTEGER,  /* int64_t; minimum, maximum */
    SETTING_BOOLEAN,  /* bool */
    SETTING_CHOICE,   /* int; choices */
    SETTING_LIST,     /* TextList */
    SETTING_HEADERS   /* TextList of "Name: value" */
} SettingType;

typedef struct Setting {
    const char *path; /* "prefect.poll.min" */
    SettingType type;
    size_t offset;
    const char *initial; /* as text; NULL: empty */
    const char *description;
    int64_t minimum, maximum;
    const char *const *choices;
} Setting;

enum { SETTINGS = 36 };
extern const Setting settings[SETTINGS];

const Setting *setting_find(const char *path);
/* The path nearest to a wrong one, or NULL. */
const char *setting_nearest(const char *path);

/* Sets a value from text; `directory` is what a relative path is relative to (NULL: nothing). */
bool setting_set(Configuration *configuration, const Setting *setting, const char *text, const char *directory,
                 Error *error);

/* Puts a header in place of one with that name. */
bool headers_put(TextList *headers, const char *name, const char *value, Error *error);

/* validation.c: what one value alone cannot tell. Names the setting that is wrong. */
bool configuration_validate(const Configuration *configuration, const Setting **wrong, Error *error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "commands/terminal.h"
#include "base/text.h"
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS_USUAL = 80, ROWS_USUAL = 24, COLUMNS_MIN = 20 };

bool terminal_resized(Screen *screen)
{
    struct winsize size = {0};
    Screen before = *screen;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
    screen->columns = known ? size.ws_col : COLUMNS_USUAL;
    screen->rows = known ? size.ws_row : ROWS_USUAL;
    screen->columns = screen->columns < COLUMNS_MIN ? COLUMNS_MIN : screen->columns;
    return screen->columns != before.columns || screen->rows != before.rows;
}

bool terminal_open(Screen *screen)
{
    const char *plain = getenv("NO_COLOR"), *kind = getenv("TERM");
    bool terminal = isatty(STDOUT_FILENO) && kind && *kind && !text_equal(kind, "dumb");
    setlocale(LC_CTYPE, "");
    *screen = (Screen){
        .colour = terminal && !(plain && *plain),
        .unicode = text_equal(nl_langinfo(CODESET), "UTF-8"),
    };
    terminal_resized(screen);
    return terminal;
}

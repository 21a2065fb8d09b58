/*
 * desktop.h - a desktop entry whose program is started through pbrun. Pure: text in, text out.
 *
 * After the Desktop Entry Specification 1.5, https://specifications.freedesktop.org/desktop-entry-spec/. All
 * lines stay as they are, but for Exec= of the entry and of its actions, which get the path of pbrun in
 * front, and one more key:
 *
 *     [Desktop Entry]
 *     X-Pbrun-Source=/usr/share/applications/firefox.desktop
 *     TryExec=firefox
 *     Exec=/usr/bin/pbrun firefox %u
 */
#ifndef PBRUN_DESKTOP_H
#define PBRUN_DESKTOP_H

#include "sys/cleanup.h"

/* What an entry says; the bits add up. */
enum desktop_traits {
	DESKTOP_APPLICATION = 1 << 0, /* Type=Application */
	DESKTOP_HIDDEN = 1 << 1,      /* Hidden=true: it counts as removed */
	DESKTOP_DBUS = 1 << 2,    /* DBusActivatable=true: mostly started by a message, and not by Exec= */
	DESKTOP_EXEC = 1 << 3,    /* it has an Exec= that is not pbrun's yet */
	DESKTOP_WRAPPED = 1 << 4, /* it has X-Pbrun-Source=: desktop_wrap() made it */
};
unsigned int desktop_traits(const char *text);

/*
 * Makes the entry text start its program through pbrun, an absolute path. source is the file that text is
 * from. 0 and the text, to be freed; -ENOMEM.
 */
must_check int desktop_wrap(const char *text, const char *pbrun, const char *source, char **ret_text);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* paths.h - where the log is when nobody says otherwise. */
#ifndef FEMTOSNITCH_VIEW_PATHS_H
#define FEMTOSNITCH_VIEW_PATHS_H

#define PATHS_STATE_DIR "/var/lib/femtosnitch"

#endif

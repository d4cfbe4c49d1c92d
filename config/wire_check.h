/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wire_check.h - decides whether a frame keeps the contract of bpf/wire.h, and names its enums. No I/O, no
 * state. Every reader of frames, in every process, goes through wire_check(), so that nobody looks into a
 * payload whose length, enums or text have not been tested.
 */
#ifndef FEMTOSNITCH_WIRE_CHECK_H
#define FEMTOSNITCH_WIRE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "bpf/wire.h"

/* NULL when the payload of hdr->len bytes is exactly one well-formed record of hdr->type, else a constant
 * string that says what is wrong. payload needs no alignment. */
const char *wire_check(const struct wire_hdr *hdr, const void *payload);

/* Is a frame that was checked one of those that wire_resume numbers? A WIRE_IMAGE is what became of a
 * WIRE_EXEC. payload needs no alignment. */
bool wire_is_fact(unsigned type, const void *payload);

/* The variable part of a wire_exec that was checked: both strings end in NUL inside the record; empty if
 * there is none. argv holds the arguments one after the other, argv_len bytes in all. */
const char *wire_exec_path(const struct wire_exec *);
const char *wire_exec_argv(const struct wire_exec *);

/* The texts behind the wire_exec of a wire_image that was checked; empty if there is none. */
const char *wire_image_script(const struct wire_image *);
const char *wire_image_app(const struct wire_image *);

/* Names as they stand in SQL, JSON and messages. NULL for a value out of range and for *_NONE. */
const char *wire_stage_name(unsigned);	     /* "collector" */
const char *wire_verdict_name(unsigned);     /* "clean", "malicious" ... */
const char *wire_direction_name(unsigned);   /* "out", "in" */
const char *wire_result_name(unsigned);	     /* "open", "refused" ... */
const char *wire_peer_name(unsigned);	     /* "socket", "message", "caller", "inferred", "unknown" */
const char *wire_loss_name(unsigned);	     /* "not watching", "ring full" ... */
const char *wire_explained_name(unsigned);   /* "yes", "no"; NULL for WIRE_EXPLAINED_UNKNOWN */
const char *wire_hash_error_name(unsigned);  /* "pending", "no file" ...; NULL for WIRE_HASH_OK */
const char *wire_script_name(unsigned);	     /* "kernel", "argv", "inline", "module", "stdin" */
const char *wire_name_source_name(unsigned); /* "sni", "dns" ... */

#endif

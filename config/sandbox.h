/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sandbox.h - a process gives away what it no longer needs. Order: groups, gid, uid, capabilities, no new
 * privileges, not dumpable. Failure is fatal: a stage that could not drop does not run.
 */
#ifndef FEMTOSNITCH_SANDBOX_H
#define FEMTOSNITCH_SANDBOX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SANDBOX_CAP(c) (UINT64_C(1) << (c)) /* c: CAP_* of linux/capability.h */

/* Become uid:gid and keep only the capabilities in keep (bits as SANDBOX_CAP makes them), which may be none.
 * What the process does not hold cannot be kept and is left out; a process that is not root and holds nothing
 * to drop passes if it is uid:gid already. Capabilities belong to a thread: call this before the first one is
 * made. Exits with a message if anything stays. */
void sandbox_drop(uid_t uid, gid_t gid, uint64_t keep);

/* From here on the kernel kills this process for any system call but the n of calls (SYS_* of sys/syscall.h),
 * and for memory that is to be executed. Exits with a message where that cannot be had. */
void sandbox_calls(const long *calls, size_t n);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * device.bpf.c - who stands behind a network device: programs that read and write the frames of a TUN/TAP or
 * macvtap interface (VPNs, virtual machines), the vhost workers that do so for a virtual machine, and who
 * binds an AF_XDP socket.
 *
 * What is in a tunnel's frames is counted where it goes on, too: WIRE_FLOW_TUNNEL keeps them out of every
 * total. An AF_XDP socket moves its frames through rings in memory, where nobody can count them: its row has
 * no bytes, and says who they belong to.
 *
 * tun, tap and vhost_net are modules almost everywhere: here, too, no socket storage (see
 * sock_trampoline.bpf.c). Bytes are those of the frames, as the device counts them, without the headers that
 * are only between the kernel and the program (struct tun_pi, struct virtio_net_hdr).
 */
#include "bpf/overflow.bpf.h"
#include "bpf/repeat.bpf.h"

#define AF_XDP 44
#define IFF_NO_PI 0x1000 /* linux/if_tun.h */
#define IFF_VNET_HDR 0x4000
#define TUN_PI_SIZE 4
#define TUN_MSG_PTR 2
#define BATCH_MAX 64 /* VHOST_NET_BATCH, drivers/vhost/net.c */

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct file___of_device {
	void *private_data;
};

struct kiocb {
	struct file___of_device *ki_filp;
};

struct net_device___of_device {
	char name[WIRE_COMM_SIZE]; /* IFNAMSIZ */
	int ifindex;
	possible_net_t nd_net;
};

struct tun_struct {
	unsigned int flags;
	int vnet_hdr_sz;
	struct net_device___of_device *dev;
};

struct tun_file {
	struct socket socket;
	struct tun_struct *tun;
};

struct tap_dev {
	struct net_device___of_device *dev;
};

struct tap_queue {
	struct socket sock;
	int vnet_hdr_sz;
	unsigned int flags;
	struct tap_dev *tap;
};

struct msghdr___of_device {
	union {
		void *msg_control;
	};
	unsigned long msg_controllen;
};

struct tun_msg_ctl {
	unsigned short type, num;
	void *ptr;
};

struct xdp_buff {
	void *data, *data_end;
};

struct xdp_sock {
	struct net_device___of_device *dev;
	__u16 queue_id;
};

#pragma clang attribute pop

/* A device as somebody uses it. */
struct use {
	const struct net_device___of_device *dev;
	__u64 cookie; /* of the file or socket it is used through */
	__u16 family;
	__u16 queue;
	__u32 headers; /* bytes before each frame that are not of it */
	__u8 flags;
};

/* ---- who */

/* Until Linux 6.3, and since 6.18 if so asked, a virtual machine's vhost worker is a kernel thread that
 * borrows its memory; elsewhere it is a thread of it. NULL: this task works for itself. */
static __always_inline const struct task_struct *works_for(const struct task_struct *task)
{
	if (!(task->flags & PF_KTHREAD) || !bpf_core_field_exists(((struct mm_struct *)0)->owner))
		return NULL;
	return BPF_CORE_READ(task, mm, owner);
}

static __always_inline void user_of(const struct task_struct *task, struct wire_image_key *image)
{
	const struct task_struct *whom = works_for(task);

	if (whom)
		image_key_read(whom, image);
	else
		image_key(task, image);
}

static __always_inline __u32 user_uid(const struct task_struct *task)
{
	const struct task_struct *whom = works_for(task);

	return whom ? BPF_CORE_READ(whom, cred, uid.val) : task_uid(task);
}

/* ---- how much */

static __noinline void use_add(const struct use *use, const struct wire_image_key *image,
			       const struct moved *moved)
{
	struct overflow_key key = {.image = *image, .cookie = use->cookie, .direction = moved->direction};
	const struct net_device___of_device *dev = use->dev;
	struct wire_flow *flow;
	void *map;

	key.peer.family = use->family;
	key.peer.port = use->queue;
	key.peer.addr[0] = BPF_CORE_READ(dev, ifindex); /* a file may be given to another device */
	flow = overflow_find(&key, &map);
	if (!flow && map) {
		struct wire_flow fresh = {.image = *image,
					  .cookie = use->cookie,
					  .first_ns = bpf_jiffies64(),
					  .family = use->family,
					  .lport = use->queue,
					  .direction = moved->direction,
					  .peer = WIRE_PEER_UNKNOWN,
					  .flags = WIRE_FLOW_OVERFLOW | use->flags};

		fresh.netns = BPF_CORE_READ(dev, nd_net.net, ns.inum);
		fresh.uid = fresh.creator_uid = user_uid(current_task());
		bpf_probe_read_kernel_str(fresh.laddr, sizeof(fresh.laddr), dev->name);
		flow = overflow_insert(map, &key, &fresh);
	}
	if (flow)
		flow_add(flow, moved);
	else
		lost(WIRE_LOSS_OVERFLOW_FULL, moved->sent + moved->received);
}

static __always_inline void use_count(const struct use *use, const struct moved *moved)
{
	struct task_struct *task = current_task();
	struct wire_image_key image;

	user_of(task, &image);
	image_uses_network(task, &image);
	use_add(use, &image, moved);
}

/* A call on a tunnel that returned so many bytes. What the program gives the device is sent. */
static __always_inline void frame_moved(struct use *use, long ret, bool receiving)
{
	struct moved moved = {.direction = receiving ? WIRE_DIRECTION_IN : WIRE_DIRECTION_OUT};

	if (ret <= use->headers)
		return;
	if (receiving)
		moved.received = ret - use->headers;
	else
		moved.sent = ret - use->headers;
	use->family = AF_PACKET;
	use->flags = WIRE_FLOW_TUNNEL;
	use_count(use, &moved);
}

/* ---- TUN/TAP and macvtap: files, and the sockets inside them that vhost_net uses */

static __always_inline void use_of_tun(const struct tun_file *file, struct use *use)
{
	const struct tun_struct *tun = BPF_CORE_READ(file, tun);
	unsigned int flags = BPF_CORE_READ(tun, flags);

	use->cookie = (__u64)file;
	use->dev = BPF_CORE_READ(tun, dev);
	use->headers = flags & IFF_NO_PI ? 0 : TUN_PI_SIZE;
	if (flags & IFF_VNET_HDR)
		use->headers += BPF_CORE_READ(tun, vnet_hdr_sz);
}

static __always_inline void use_of_tap(const struct tap_queue *queue, struct use *use)
{
	use->cookie = (__u64)queue;
	use->dev = BPF_CORE_READ(queue, tap, dev);
	if (BPF_CORE_READ(queue, flags) & IFF_VNET_HDR)
		use->headers = BPF_CORE_READ(queue, vnet_hdr_sz);
}

/* Several frames in one call (Linux 4.20), which then does not return their bytes: an array of xdp_buff that
 * the caller keeps. 0: this call brought one frame. */
static __noinline __u64 batch_bytes(const struct msghdr___of_device *msg)
{
	const struct tun_msg_ctl *ctl = BPF_CORE_READ(msg, msg_control);
	const void *at;
	__u64 sum = 0;
	__u32 num;

	if (!ctl || BPF_CORE_READ(msg, msg_controllen) != bpf_core_type_size(struct tun_msg_ctl) ||
	    BPF_CORE_READ(ctl, type) != TUN_MSG_PTR)
		return 0;
	num = BPF_CORE_READ(ctl, num);
	at = BPF_CORE_READ(ctl, ptr);
	for (__u32 i = 0; i < BATCH_MAX && i < num; i++) {
		const struct xdp_buff *frame = at + i * bpf_core_type_size(struct xdp_buff);

		sum += BPF_CORE_READ(frame, data_end) - BPF_CORE_READ(frame, data);
	}
	return sum;
}

static __always_inline void tun_file_moved(const struct kiocb *iocb, long ret, bool receiving)
{
	struct use use = {};

	use_of_tun(BPF_CORE_READ(iocb, ki_filp, private_data), &use);
	frame_moved(&use, ret, receiving);
}

static __always_inline void tap_file_moved(const struct kiocb *iocb, long ret, bool receiving)
{
	struct use use = {};

	use_of_tap(BPF_CORE_READ(iocb, ki_filp, private_data), &use);
	frame_moved(&use, ret, receiving);
}

static __always_inline void vhost_moved(struct use *use, const void *msg, long ret, bool receiving)
{
	__u64 batch = receiving || ret < 0 ? 0 : batch_bytes(msg);

	if (batch) {
		use->headers = 0;
		ret = batch;
	}
	frame_moved(use, ret, receiving);
}

static __always_inline void tun_socket_moved(const struct socket *sock, const void *msg, long ret,
					     bool receiving)
{
	struct use use = {};

	use_of_tun((void *)sock - bpf_core_field_offset(struct tun_file, socket), &use);
	vhost_moved(&use, msg, ret, receiving);
}

static __always_inline void tap_socket_moved(const struct socket *sock, const void *msg, long ret,
					     bool receiving)
{
	struct use use = {};

	use_of_tap((void *)sock - bpf_core_field_offset(struct tap_queue, sock), &use);
	vhost_moved(&use, msg, ret, receiving);
}

/* see token_of(): an interrupt between a program and its repeat may run the other */
#define ABOUT_FILE 1
#define ABOUT_SOCKET 2

#define FILE_MOVED(function, name, call, receiving)                                                          \
	TRAMPOLINE_REPEATED("fexit/" #function, name, receiving ? TOKEN_RECEIVE : TOKEN_SEND, ABOUT_FILE,    \
			    call(iocb, ret, receiving), struct kiocb *iocb, void *iter, long ret)
#define SOCKET_SENT(function, name, call)                                                                    \
	TRAMPOLINE_REPEATED("fexit/" #function, name, TOKEN_SEND, ABOUT_SOCKET, call(sock, msg, ret, false), \
			    struct socket *sock, void *msg, __u64 size, int ret)
#define SOCKET_RECEIVED(function, name, call)                                                                \
	TRAMPOLINE_REPEATED("fexit/" #function, name, TOKEN_RECEIVE, ABOUT_SOCKET,                           \
			    call(sock, msg, ret, true), struct socket *sock, void *msg, __u64 size,          \
			    int flags, int ret)

FILE_MOVED(tun_chr_write_iter, on_tun_write, tun_file_moved, false)
FILE_MOVED(tun_chr_read_iter, on_tun_read, tun_file_moved, true)
FILE_MOVED(tap_write_iter, on_tap_write, tap_file_moved, false)
FILE_MOVED(tap_read_iter, on_tap_read, tap_file_moved, true)
SOCKET_SENT(tun_sendmsg, on_tun_sendmsg, tun_socket_moved)
SOCKET_RECEIVED(tun_recvmsg, on_tun_recvmsg, tun_socket_moved)
SOCKET_SENT(tap_sendmsg, on_tap_sendmsg, tap_socket_moved)
SOCKET_RECEIVED(tap_recvmsg, on_tap_recvmsg, tap_socket_moved)

/* ---- AF_XDP: built in where it exists (Linux 4.18) */

static __always_inline void xdp_bound(struct socket *sock, int ret)
{
	struct moved moved = {.direction = WIRE_DIRECTION_OUT};
	struct use use = {.family = AF_XDP};
	struct sock *sk = sock->sk;

	if (ret || !sk)
		return;
	use.cookie = bpf_get_socket_cookie(sk);
	use.dev = BPF_CORE_READ((struct xdp_sock *)sk, dev);
	use.queue = BPF_CORE_READ((struct xdp_sock *)sk, queue_id);
	use_count(&use, &moved);
}

TRAMPOLINE_REPEATED("fexit/xsk_bind", on_xdp_bind, TOKEN_SEND, 0, xdp_bound(sock, ret), struct socket *sock,
		    void *address, int len, int ret)

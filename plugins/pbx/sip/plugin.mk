# SPDX-License-Identifier: BSD-2-Clause
# libre is linked statically and hidden: its names clash with others', and it takes its timers from the wall clock,
# which wrap.c cures. Its pkg-config file knows nothing of this.
PLUGIN_CFLAGS := -isystem $(shell $(PKG_CONFIG) --variable=includedir libre 2>/dev/null) \
	-DHAVE_INTTYPES_H -DHAVE_STDBOOL_H -DHAVE_INET6 -DUSE_OPENSSL -DUSE_TLS -DRELEASE
PLUGIN_LIBS := -Wl,--wrap=gettimeofday -Wl,--wrap=rand_u64 -Wl,--wrap=re_fprintf \
	-Wl,--wrap=stun_msg_decode \
	-l:libre.a -lssl -lcrypto -lz -lresolv -ldl -lm
PLUGIN_LDFLAGS := -Wl,--version-script=$(PLUGIN_DIR)/sip.map -Wl,--exclude-libs,ALL -Wl,-Bsymbolic
PLUGIN_NEEDS := libre.a=libre-dev re.h=libre-dev openssl/ssl.h=libssl-dev libz.so=zlib1g-dev
PLUGIN_USES := rtp cause amd

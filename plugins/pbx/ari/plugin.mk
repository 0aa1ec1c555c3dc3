# SPDX-License-Identifier: BSD-2-Clause
PLUGIN_USES := rtp cause rest amd

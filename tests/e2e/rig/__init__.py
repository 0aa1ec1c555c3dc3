# SPDX-License-Identifier: BSD-2-Clause
"""The rig: real peers for the end-to-end tests and the demo, on loopback, stopped by pid."""

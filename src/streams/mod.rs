//! The bytes of exec, attach and port-forward: SPDY/3.1 frames and channels. No I/O.

/** Programs of one session at once. Bounds the sockets and timers that one VM takes of the gateway. */
export const MAX_CONNECTIONS = 64;

/** Viewers of one session at once. Bounds the WebRTC peers that one link, passed on, takes. */
export const MAX_VIEWERS = 32;

/** Programs of one session at once. Bounds the sockets and timers that one VM takes of the gateway. */
export const MAX_CONNECTIONS = 64;

/** Viewers of one session at once. Bounds the WebRTC peers that one VM takes of its media thread. */
export const MAX_VIEWERS = 32;

/** Of them, those who only watch. Bounds what links without control keep of the places from who is in control. */
export const MAX_WATCHERS = 24;

/** Viewers by one token at once. Bounds the places that one link, passed on, keeps from all other links of its kind. */
export const MAX_VIEWERS_PER_TOKEN = 16;

// In a file of their own: the page takes nothing else from here that is more than a type.

export const ADMIN_API_PATH = "/api/admin";
/** The socket.io namespace of the live page. */
export const ADMIN_NAMESPACE = "/admin";

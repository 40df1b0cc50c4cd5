/** What a browser tells of itself. */
export type Abilities = {
  readonly webrtc: boolean;
  /** MIME types of the video that it receives; absent when it does not tell. */
  readonly videoTypes: readonly string[] | undefined;
  readonly userAgent: string;
};

export function browserAbilities(): Abilities {
  const webrtc = "RTCPeerConnection" in globalThis;
  const codecs = webrtc ? RTCRtpReceiver.getCapabilities?.("video")?.codecs : undefined;
  return {
    webrtc,
    videoTypes: codecs?.map(({ mimeType }) => mimeType),
    userAgent: navigator.userAgent,
  };
}

/**
 * Why a browser cannot show a session's picture, as a sentence with the next step, or undefined.
 * One that does not tell what it decodes is given the benefit of the doubt.
 */
export function whyUnsupported({ webrtc, videoTypes, userAgent }: Abilities): string | undefined {
  if (!webrtc) return "WebRTC is missing or switched off. Use a current Chrome, Edge or Safari.";
  if (videoTypes === undefined) return undefined;
  if (videoTypes.some((type) => type.toLowerCase() === "video/h264")) return undefined;
  return userAgent.includes("Firefox/")
    ? "Firefox has no H.264 for WebRTC yet. It downloads the OpenH264 plugin some minutes after its first start: try again then, or use Chrome, Edge or Safari."
    : "It offers no H.264 for WebRTC. Use a current Chrome, Edge or Safari.";
}

import type { Profile } from "#server/config/config.ts";
import { shareAtRate } from "#server/scheduler/gpu-share.ts";
import type { GpuShare } from "#shared/admin/gpu-share.ts";

/** What a session is allowed: what an admin chose for it, or else what its newest token's profile says. */
export class EffectiveProfile {
  readonly #isPaced: boolean;
  #granted: Profile;
  #assigned: Profile | undefined;
  #assignedShare: GpuShare | undefined;

  /** Unless paced, programs draw as fast as they can. */
  constructor(granted: Profile, isPaced: boolean) {
    this.#granted = granted;
    this.#isPaced = isPaced;
  }

  get profile(): Profile {
    return this.#assigned ?? this.#granted;
  }

  get isAssigned(): boolean {
    return this.#assigned !== undefined;
  }

  /** Its part of the GPU. */
  get share(): GpuShare {
    return this.#assignedShare ?? this.profile.share;
  }

  get isShareAssigned(): boolean {
    return this.#assignedShare !== undefined;
  }

  /** By a token. */
  grant(profile: Profile): void {
    this.#granted = profile;
  }

  /** By an admin; undefined: the token's counts again. */
  assign(profile: Profile | undefined): void {
    this.#assigned = profile;
  }

  /** By an admin; undefined: the profile's counts again. */
  assignShare(share: GpuShare | undefined): void {
    this.#assignedShare = share;
  }

  /** The profiles of the same names count from now on; one that is gone stays as it was. */
  renew(profiles: ReadonlyMap<string, Profile>): void {
    this.#granted = profiles.get(this.#granted.name) ?? this.#granted;
    this.#assigned = this.#assigned && (profiles.get(this.#assigned.name) ?? this.#assigned);
  }

  /** Milliseconds between a program's ticks with so many viewers; 0: unpaced. */
  interval(viewers: number): number {
    return this.#isPaced ? 1000 / this.#frameRate(viewers) : 0;
  }

  /** What counts at the GPU with so many viewers. */
  shareWith(viewers: number): GpuShare {
    return this.#isPaced ? shareAtRate(this.share, this.#frameRate(viewers)) : this.share;
  }

  #frameRate(viewers: number): number {
    const { frameRate, unwatchedFrameRate } = this.profile;
    return viewers > 0 ? frameRate : Math.min(frameRate, unwatchedFrameRate);
  }
}

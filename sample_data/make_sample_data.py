"""Draw two synthetic rivers as drone photographs with land-cover label rasters.

Classes: 0 unlabelled, 1 water, 2 dry exposed sediment, 3 green vegetation,
4 senescent vegetation, 5 paved road. The scale is about 5 cm per pixel.
"""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from scipy import ndimage
from scipy.spatial import cKDTree

HEIGHT, WIDTH, PAD = 400, 600, 48
FULL = (HEIGHT + 2 * PAD, WIDTH + 2 * PAD)
CROP = (slice(PAD, PAD + HEIGHT), slice(PAD, PAD + WIDTH))
WATER, SEDIMENT, GREEN, DRY, ROAD = 1, 2, 3, 4, 5
PAINTS = (
    (0.78, 0.78, 0.77),
    (0.55, 0.57, 0.60),
    (0.16, 0.17, 0.19),
    (0.55, 0.13, 0.11),
    (0.15, 0.24, 0.42),
)
TRAIN, PREDICT, UNLABELLED = (1, 2, 3, 4), (5, 6, 7), 7


@dataclass(frozen=True)
class River:
    """Look of one river: palette, light, and one layout per image.

    Colours are display RGB in 0..1. A layout is (flow angle in degrees, offset of the channel from
    the image centre in px, road kind, share of dry grass on the land, number of trees).
    """

    name: str
    first: int
    sun: tuple  # azimuth and elevation in degrees
    sunlight: tuple
    skylight: tuple
    deep: tuple
    absorb: tuple
    sky: tuple
    stones: tuple
    sand: tuple
    sandiness: float
    leaves: tuple
    grass: tuple
    straw: tuple
    asphalt: tuple
    layouts: tuple


CLEARBROOK = River(
    name="Clearbrook",
    first=1,
    sun=(-50, 52),
    sunlight=(0.74, 0.73, 0.69),
    skylight=(0.34, 0.37, 0.42),
    deep=(0.14, 0.30, 0.28),
    absorb=(2.3, 0.9, 0.9),
    sky=(0.62, 0.72, 0.80),
    stones=((0.66, 0.66, 0.64), (0.74, 0.73, 0.70), (0.55, 0.56, 0.57), (0.62, 0.58, 0.53)),
    sand=(0.72, 0.69, 0.59),
    sandiness=-0.6,
    leaves=((0.24, 0.40, 0.13), (0.31, 0.48, 0.16), (0.20, 0.36, 0.17), (0.38, 0.50, 0.18)),
    grass=((0.30, 0.41, 0.17), (0.44, 0.51, 0.25)),
    straw=((0.70, 0.63, 0.46), (0.57, 0.51, 0.34)),
    asphalt=(0.47, 0.48, 0.49),
    layouts=(
        (75, -90, "beside", 0.45, 14),
        (8, -70, "beside", 0.40, 8),
        (-55, 60, "bridge", 0.50, 12),
        (15, 20, "none", 0.45, 12),
        (100, 40, "bridge", 0.50, 10),
        (-20, -75, "beside", 0.45, 9),
        (40, 0, "none", 0.40, 14),
    ),
)

AMBERVALE = River(
    name="Ambervale",
    first=101,
    sun=(205, 25),
    sunlight=(0.76, 0.66, 0.50),
    skylight=(0.30, 0.33, 0.39),
    deep=(0.24, 0.22, 0.12),
    absorb=(3.4, 4.0, 5.6),
    sky=(0.74, 0.70, 0.62),
    stones=((0.66, 0.55, 0.40), (0.58, 0.47, 0.35), (0.72, 0.62, 0.46), (0.50, 0.45, 0.40)),
    sand=(0.74, 0.61, 0.42),
    sandiness=0.4,
    leaves=((0.27, 0.35, 0.13), (0.34, 0.40, 0.15), (0.23, 0.31, 0.15), (0.42, 0.43, 0.17)),
    grass=((0.34, 0.41, 0.17), (0.45, 0.48, 0.22)),
    straw=((0.70, 0.59, 0.38), (0.58, 0.47, 0.30)),
    asphalt=(0.45, 0.44, 0.44),
    layouts=(
        (-15, 75, "beside", 0.45, 9),
        (95, 60, "bridge", 0.50, 10),
        (60, 90, "beside", 0.45, 12),
        (-30, 0, "none", 0.45, 12),
        (10, -80, "beside", 0.45, 8),
        (-70, -30, "bridge", 0.50, 12),
        (130, 10, "none", 0.40, 14),
    ),
)


def noise(rng, scale, octaves=1):
    """Return a smooth random field on the padded canvas with zero mean and unit deviation.

    `scale` is the size in pixels of the largest features; every further octave halves the size and
    the weight.
    """
    total = np.zeros(FULL, np.float32)
    for k in range(octaves):
        size = max(scale / 2**k, 1)
        rows, cols = (int(n / size) + 3 for n in FULL)
        grid = rng.standard_normal((rows, cols)).astype(np.float32)
        big = cv2.resize(grid, None, fx=size, fy=size, interpolation=cv2.INTER_CUBIC)
        total += big[: FULL[0], : FULL[1]] / 2**k
    return (total - total.mean()) / total.std()


def ramp(x, low, high):
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def mix(a, b, weight):
    """Blend two colours or images by a weight map of the canvas shape."""
    weight = np.asarray(weight, np.float32)[..., None]
    return np.asarray(a, np.float32) * (1 - weight) + np.asarray(b, np.float32) * weight


def rotated(angle):
    """Return coordinates along and across a direction (degrees) about the centre of the canvas."""
    y, x = np.mgrid[: FULL[0], : FULL[1]].astype(np.float32)
    y, x, turn = y - FULL[0] / 2, x - FULL[1] / 2, np.deg2rad(angle)
    return x * np.cos(turn) + y * np.sin(turn), -x * np.sin(turn) + y * np.cos(turn)


def channel(rng, angle, offset):
    """Lay out a meandering channel and return its maps as a dict.

    Keys: `along` and `across` (flow coordinates in px), `edge` (distance outside the mean water
    line), `land` (distance beyond the gravel), `level` (height above the water, negative in it) and
    `riffle` (0..1, shallow fast reaches).
    """
    along, side = rotated(angle)
    length, swing = rng.uniform(520, 680), rng.uniform(38, 60)
    phase = rng.uniform(0, 2 * np.pi, 5)
    wave = 2 * np.pi * along / length + phase[0]
    centre = swing * (np.sin(wave) + 0.25 * np.sin(2.3 * wave + phase[1]))
    slope = swing * 2 * np.pi / length * np.cos(wave)
    across = (side - offset - centre) / np.sqrt(1 + slope**2)
    half = rng.uniform(72, 88) * (1 + 0.16 * np.sin(along / 70 + phase[2]))
    edge = np.abs(across) - half + 3 * noise(rng, 30, 3)
    # The inner bank of a bend shelves gently and carries the point bar.
    inner = ramp(-np.sin(wave) * np.tanh(across / 40), 0.05, 0.9)
    pool = 0.62 + 0.38 * np.sin(along / rng.uniform(75, 95) + phase[3])
    level = np.where(edge < 0, -pool * (1 - np.exp(edge / (14 + 50 * inner))), edge / 70)
    for _ in range(2):
        place, drift = rng.uniform(-280, 280), rng.uniform(-25, 25)
        size = rng.uniform(0.7, 1.3)
        blob = ((along - place) / (75 * size)) ** 2 + ((across - drift) / (26 * size)) ** 2
        level += 1.25 * np.exp(-blob) * (edge < 0)
    level += 0.07 * noise(rng, 40, 4) * np.exp(-np.abs(edge) / 60)
    land = edge - (4 + 105 * inner + 5 * noise(rng, 40, 3))
    riffle = ramp(0.62 - pool, 0.05, 0.3)
    return {
        "along": along,
        "across": across,
        "edge": edge,
        "land": land,
        "level": level,
        "riffle": riffle,
    }


def road_distance(rng, kind, angle, offset):
    """Return signed distance from the road's centre line and position along it.

    A road "beside" the river keeps to the wide side of the image, a "bridge" crosses the channel.
    """
    angle += rng.uniform(-6, 6) if kind == "beside" else rng.uniform(75, 105)
    along, across = rotated(angle)
    reach = np.abs(across[PAD:-PAD, PAD:-PAD]).max()
    shift = -np.sign(offset) * (reach - 75) if kind == "beside" else rng.uniform(-90, 90)
    return across - shift - rng.uniform(-1, 1) * 1.2e-4 * along**2, along


def cobbles(rng, coarse, angle):
    """Return stone relief (px), a random number per stone and the gap mask of a cobble bed.

    Stones are balls about random points whose density falls with the `coarse` map (0..1), cut where
    they meet and drawn out across the flow.
    """
    spacing = 3.0 + 8.0 * coarse**1.5
    points = rng.uniform(0, 1, (42000, 2)) * np.array(FULL)
    at = tuple(points.astype(int).T)
    keep = rng.uniform(size=len(points)) < (3.0 / spacing[at]) ** 2
    points, radius = points[keep], (spacing[at] * rng.uniform(0.45, 0.9, len(points)))[keep]
    turn = np.deg2rad(angle)
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    stretch = spin * np.array([1.0, 1.35])
    wobble = np.stack([noise(rng, 5, 2).ravel(), noise(rng, 5, 2).ravel()], 1) * 0.5
    pixels = np.argwhere(np.ones(FULL, bool)) + wobble
    near, index = cKDTree(points @ stretch).query(pixels @ stretch, k=2, workers=2)
    ball = np.sqrt(np.clip(1 - (near[:, 0] / radius[index[:, 0]]) ** 2, 0, 1))
    dome = (ball * ramp(near[:, 1] - near[:, 0], -0.2, 1.8)).reshape(FULL)
    lot = rng.uniform(size=len(points))[index[:, 0]].reshape(FULL)
    return dome * spacing * (0.2 + 0.3 * lot), lot, 1 - ramp(dome, 0.02, 0.45)


def streaks(rng, length):
    """Return grass-blade noise, its direction wandering over the canvas."""
    base, lean = noise(rng, 1), noise(rng, 110) * 1.1
    total, weights = np.zeros(FULL, np.float32), np.full(FULL, 1e-3, np.float32)
    v, u = np.mgrid[-length : length + 1, -length : length + 1]
    for angle in np.linspace(-1.4, 1.4, 7):
        kernel = np.exp(-(((v * np.cos(angle) - u * np.sin(angle)) / 0.7) ** 2))
        weight = np.exp(-(((lean - angle) / 0.35) ** 2))
        total += weight * cv2.filter2D(base, -1, kernel / kernel.sum())
        weights += weight
    return total / weights / (total / weights).std()


def stamp(scene, row, col, radius, top, colour, kind):
    """Draw one leafy ball where it rises above what is there, in place."""
    window = tuple(
        slice(max(int(at - radius), 0), max(int(at + radius) + 2, 0)) for at in (row, col)
    )
    yy, xx = np.ogrid[: FULL[0], : FULL[1]]
    inside = radius**2 - (yy[window[0]] - row) ** 2 - (xx[:, window[1]] - col) ** 2
    height = np.where(inside > 0, top - radius + np.sqrt(np.maximum(inside, 0)), -1)
    wins = height > scene["height"][window]
    scene["height"][window][wins] = height[wins]
    scene["albedo"][window][wins] = colour
    scene["plant"][window][wins] = kind


def crown(rng, scene, row, col, radius, palette, kind):
    """Draw a tree or shrub as a dome of leaf clumps, darker towards its skirt, in place."""
    tint = np.array(palette[rng.integers(len(palette))]) * rng.uniform(0.85, 1.1)
    lobes, phase = rng.integers(3, 6), rng.uniform(0, 2 * np.pi)
    for _ in range(int(40 + radius**2 / 5)):
        angle, reach = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform())
        rho = reach * radius * (0.85 + 0.15 * np.sin(lobes * angle + phase))
        dome = np.sqrt(1 - 0.95 * reach**2)
        top = radius * (0.35 + 0.75 * dome + rng.uniform(-0.16, 0.1))
        size = max(radius * rng.uniform(0.06, 0.17), 2.0)
        shade = (0.72 + 0.3 * dome) * rng.uniform(0.85, 1.15)
        stamp(
            scene,
            row + rho * np.sin(angle),
            col + rho * np.cos(angle),
            size,
            top,
            tint * shade,
            kind,
        )


def plant(rng, scene, count, sizes, allowed, palette, kind=GREEN):
    """Scatter up to `count` crowns with their stems on the `allowed` pixels, in place."""
    spots = np.argwhere(allowed)
    placed = []
    for row, col in spots[rng.integers(len(spots), size=count * 12)] if len(spots) else ():
        radius = rng.uniform(*sizes)
        if all(np.hypot(row - r, col - c) > 0.72 * (radius + q) for r, c, q in placed):
            placed.append((row, col, radius))
            crown(rng, scene, row, col, radius, palette, kind)
        if len(placed) == count:
            break


def light(style, height, relief, flat):
    """Return the light on every pixel as RGB, and the cast shadows.

    Sunlight follows slope and shadow, skylight is dimmer in the creases; `flat` pixels have no
    slope of their own.
    """
    azimuth, elevation = np.deg2rad(style.sun)
    dx, dy, slope = np.cos(azimuth), np.sin(azimuth), np.tan(elevation)
    shadow = np.zeros(FULL, np.float32)
    height = height.astype(np.float32)
    for step in range(2, int(height.max() / slope) + 2, 2):
        # Look towards the sun: whatever stands above the ray from here hides it.
        move = np.float32([[1, 0, -step * dx], [0, 1, -step * dy]])
        seen = cv2.warpAffine(height, move, FULL[::-1], borderMode=cv2.BORDER_REPLICATE)
        np.maximum(shadow, ramp(seen - step * slope - height, 0.0, 3.0), out=shadow)
    shadow = cv2.GaussianBlur(shadow, None, 1.2)
    # Low sun would turn fine texture into relief of its own, so its weight falls with the height.
    gy, gx = (np.clip(g, -1.6, 1.6) for g in np.gradient(height + relief * min(1, slope) ** 0.6))
    steep = np.where(flat, 0, gx**2 + gy**2)
    facing = 1 - np.where(flat, 0, gx * dx + gy * dy) / slope
    sun = np.clip(facing / np.sqrt(1 + steep), 0.05, 1.7) * (1 - 0.94 * shadow)
    sky = 1 / np.sqrt(1 + 0.25 * steep)
    return sun[..., None] * np.array(style.sunlight) + sky[..., None] * style.skylight, shadow


def flow_noise(rng, course, length, breadth):
    """Return noise drawn out along the flow, `length` by `breadth` px."""
    texture = rng.standard_normal((512, 512)).astype(np.float32)
    texture = cv2.GaussianBlur(texture, None, 1.0, borderType=cv2.BORDER_REFLECT)
    u = (course["along"] / length + 200).astype(np.float32)
    v = (course["across"] / breadth + 200).astype(np.float32)
    out = cv2.remap(texture, u, v, cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP)
    return out / texture.std()


def water_colour(rng, style, course, bed, lit, shadow):
    """Return the colour of water over a bed: absorption by depth, sky, glint and white water."""
    depth = np.clip(-course["level"], 0, None)
    through = np.exp(-depth[..., None] * np.array(style.absorb))
    ripple = (
        0.6 * flow_noise(rng, course, 5, 2.2)
        + 0.5 * flow_noise(rng, course, 11, 5)
        + 0.5 * flow_noise(rng, course, 26, 9)
    )
    rough = 0.4 + 0.8 * course["riffle"] + 0.25 * np.clip(noise(rng, 90), -1, 1)
    # Moving water blurs what lies under it.
    bed = mix(cv2.GaussianBlur(bed, None, 0.7), cv2.GaussianBlur(bed, None, 2.2), ramp(depth, 0, 1))
    rgb = (bed * 0.6 * through + np.array(style.deep) * (1 - through)) * lit
    rgb = mix(rgb, style.sky, np.clip(0.08 + 0.055 * ripple * rough, 0, 1))
    sparkle = (0.5 * ripple + 0.9 * flow_noise(rng, course, 3, 1.6)) * rough
    glint = ramp(sparkle + 0.3 * noise(rng, 120), 1.0, 2.6) * (1 - shadow)
    rgb = mix(rgb, np.minimum(np.array(style.sky) * 1.25, 1), 0.6 * glint)
    crest = (
        flow_noise(rng, course, 9, 3)
        + 0.8 * flow_noise(rng, course, 30, 8)
        + 0.4 * noise(rng, 2.5)
        + 0.5 * noise(rng, 45)
    )
    foam = ramp(crest + 2.4 * course["riffle"], 2.0, 5.2) * ramp(depth, 0.02, 0.12)
    foam = foam * (0.55 + 0.45 * ramp(flow_noise(rng, course, 4, 1.8), -1.2, 1.0))
    return mix(rgb, np.array([0.93, 0.94, 0.93]) * (0.35 + 0.6 * lit), foam)


def paint_road(rng, style, across, along, half):
    """Return the colour of a worn asphalt road with a dashed centre line and edge lines."""
    grain = 1 + 0.05 * noise(rng, 1.4) + 0.04 * noise(rng, 60, 3)
    tracks = 0.05 * np.exp(-(((np.abs(across) - half * 0.5) / 7) ** 2))
    rgb = np.array(style.asphalt) * (grain + tracks)[..., None]
    crack = np.abs(noise(rng, 70, 4) + 0.3 * noise(rng, 9)) < 0.02
    rgb = mix(rgb, np.array(style.asphalt) * 0.62, 0.7 * crack)
    start = rng.uniform(-250, 500)
    patch = (np.abs(across - half * 0.5) < 13) & (np.abs(along - start) < 45)
    rgb = mix(rgb, np.array(style.asphalt) * 0.78, 0.8 * patch)
    worn = ramp(noise(rng, 5, 3), -1.4, 0.2) * 0.85
    line = (np.abs(across) < 1.8) & (along % 90 < 52)
    line |= np.abs(np.abs(across) - half + 6) < 1.2
    return mix(rgb, np.array([0.84, 0.83, 0.78]), worn * line)


def park_car(rng, scene, across, along, half):
    """Put a car on one lane of the road, in place."""
    place, paint = rng.uniform(-130, 130), np.array(PAINTS[rng.integers(len(PAINTS))])
    u, v = np.abs(along - place), np.abs(across - half * 0.46)
    body = (u / 40) ** 6 + (v / 16.5) ** 6 < 1
    cabin = ((along - place + 4) / 25) ** 6 + (v / 13.5) ** 6 < 1
    roof = (np.abs(along - place + 6) < 14) & (v < 12.5)
    scene["albedo"][body] = paint
    scene["albedo"][cabin] = (0.10, 0.12, 0.14)
    scene["albedo"][roof] = paint * 1.05
    scene["height"][body] += 13
    scene["height"][cabin] += 9
    scene["blank"] |= body


def that_day(rng, style):
    """Return the style as found on the day of one image: other water, grass and asphalt."""
    shifts = {
        "deep": 0.10,
        "absorb": 0.22,
        "grass": 0.06,
        "straw": 0.06,
        "sand": 0.05,
        "leaves": 0.06,
        "asphalt": 0.05,
    }
    return replace(
        style,
        **{
            field: np.array(getattr(style, field)) * rng.normal(1, spread) * rng.normal(1, 0.014, 3)
            for field, spread in shifts.items()
        },
    )


def gravel(rng, style, course, angle):
    """Return colour and relief of the river bed and its bars, and the plain sand colour."""
    level = np.clip(course["level"], -1, 1)
    coarse = np.clip(0.35 + 0.3 * noise(rng, 90, 2) - 0.25 * level, 0, 1)
    stone, lot, gap = cobbles(rng, coarse, angle)
    sandy = ramp(noise(rng, 80, 4) + style.sandiness + 0.8 * level, 0.0, 1.2)
    shades = np.array(style.stones)[(lot * 997 % 1 * len(style.stones)).astype(int)]
    bed = shades * (0.82 + 0.32 * (lot * 89 % 1) + 0.05 * noise(rng, 2))[..., None]
    grit = np.mean(style.stones, 0) * (0.72 + 0.11 * noise(rng, 1.6))[..., None]
    sand = np.array(style.sand) * (1 + 0.04 * noise(rng, 2) + 0.05 * noise(rng, 40, 4))[..., None]
    bed = mix(mix(bed, grit, 0.85 * gap), sand, 0.92 * sandy)
    return bed, stone * (1 - 0.9 * sandy), sand


def meadow(rng, style, dry):
    """Return colour and relief of grassland, green but for the `dry` pixels."""
    blades, tufts = streaks(rng, 4), noise(rng, 7, 3)
    turf = mix(style.grass[0], style.grass[1], ramp(noise(rng, 60, 4), -1.2, 1.5))
    turf = turf * (1 + 0.09 * noise(rng, 3, 2) + 0.06 * blades + 0.05 * noise(rng, 16))[..., None]
    straw = mix(style.straw[0], style.straw[1], ramp(noise(rng, 25, 4) + 0.5 * tufts, -1, 1.5))
    straw = straw * (1 + 0.09 * blades + 0.05 * tufts + 0.05 * noise(rng, 1.3))[..., None]
    # Neither is pure: the green yellows in places and the dry keeps green shoots.
    fade, shoots = (ramp(noise(rng, 50, 4), 0.0, 2.2) for _ in range(2))
    turf, straw = mix(turf, straw, 0.55 * fade), mix(straw, turf, 0.5 * shoots)
    edge = cv2.GaussianBlur(dry.astype(np.float32), None, 5) + 0.12 * noise(rng, 5, 3)
    return mix(turf, straw, ramp(edge, 0.3, 0.7)), 0.6 * tufts + 0.22 * blades


def lay_road(rng, style, scene, course, layout, sand):
    """Lay the road, its verge, bridge and car into the scene, in place.

    Returns the distance of every pixel from the road's edge.
    """
    angle, offset, kind = layout[:3]
    across, along = road_distance(rng, kind, angle, offset)
    half = rng.uniform(39, 44)
    free = np.abs(across) - half - 0.7 * noise(rng, 12, 3) * (kind == "beside")
    over, soft = free < 0, ramp(-free, -0.8, 0.8)
    verge = (free < 7 + 2.5 * noise(rng, 8, 2)) & (course["land"] > 0) & ~over
    colour = mix(scene["albedo"], sand * 0.85, 0.75 * verge)
    colour = mix(colour, paint_road(rng, style, across, along, half), soft)
    scene["blank"] |= verge
    if kind == "bridge":
        # The deck climbs slowly, or its ramps would shade the road itself.
        scene["height"] += 24 * ramp(course["edge"], 170, 10) * soft
        wall = ramp(-np.abs(free + 2.5), -3.2, -1.6) * ramp(course["edge"], 50, 45)
        colour = mix(colour, (0.70, 0.69, 0.66), wall)
        scene["height"] += 6 * wall
        scene["blank"] |= wall > 0.3
    scene["albedo"] = colour
    scene["relief"][over] = 0
    scene["classes"][over] = ROAD
    if rng.uniform() < 0.6:
        park_car(rng, scene, across, along, half)
    return free


def grow(rng, style, scene, course, trees, free):
    """Grow trees, shrubs and straw tussocks where they belong and clear of the road, in place."""
    classes, land, level = scene["classes"].copy(), course["land"], course["level"]
    green, dry = (classes == GREEN) & (free > 12), (classes == DRY) & (free > 12)
    woods = green & (land > 8) & (free > 36) & (noise(rng, 120, 2) > -0.5)
    plant(rng, scene, trees, (24, 52), woods, style.leaves)
    plant(rng, scene, 26, (7, 17), green, style.leaves)
    plant(rng, scene, 6, (5, 11), dry, style.leaves)
    plant(rng, scene, 4, (4, 9), (classes == SEDIMENT) & (level > 0.25), style.leaves)
    plant(rng, scene, 70, (3, 8), dry, style.straw, DRY)
    leafy = scene["plant"] > 0
    scene["relief"][leafy] = (noise(rng, 1.6) + 0.8 * noise(rng, 3.2))[leafy]
    scene["albedo"] *= (1 + leafy * (0.12 * noise(rng, 1.3) + 0.08 * noise(rng, 4)))[..., None]
    scene["classes"][leafy] = scene["plant"][leafy]
    scene["blank"] &= ~leafy


def make_scene(style, seed):
    """Return the photograph (400, 600, 3) and the class map (400, 600), both uint8, of one image.

    The seed is the image's number; it picks the layout and feeds every random draw.
    """
    rng = np.random.default_rng(seed)
    layout = style.layouts[seed - style.first]
    angle, offset, kind, dry_share, trees = layout
    style = that_day(rng, style)
    course = channel(rng, angle, offset)
    level, land = course["level"], course["land"]
    ground = land > 0
    patches = noise(rng, 150, 2) + 0.12 * noise(rng, 18, 2)
    dry = ground & (patches > np.quantile(patches[ground], 1 - dry_share))
    bed, stones, sand = gravel(rng, style, course, angle)
    cover, tufts = meadow(rng, style, dry)
    damp = bed * (0.58 + 0.42 * ramp(level, 0.02, 0.12))[..., None]
    scene = {
        "albedo": mix(damp, cover, ramp(land + 2.5 * noise(rng, 5, 2), -3, 3)),
        "height": 5 * ramp(land, -9, 7) + 3 * np.clip(level, 0, 2),
        "relief": np.where(ground, tufts, stones),
        "classes": np.select([dry, ground, level > 0], [DRY, GREEN, SEDIMENT], WATER),
        "plant": np.zeros(FULL, np.uint8),
        "blank": np.zeros(FULL, bool),
    }
    free = np.full(FULL, 999.0)
    if kind != "none":
        free = lay_road(rng, style, scene, course, layout, sand)
    grow(rng, style, scene, course, trees, free)
    classes = scene["classes"]
    wet, road = classes == WATER, (classes == ROAD) & ~scene["blank"]
    lit, shadow = light(style, scene["height"], scene["relief"] * np.where(wet, 0.3, 1), road)
    water = water_colour(rng, style, course, bed, lit, shadow)
    rgb = np.where(wet[..., None], water, scene["albedo"] * lit)
    classes = np.where(scene["blank"], 0, classes).astype(np.uint8)
    return photograph(rng, rgb[CROP]), classes[CROP]


def photograph(rng, rgb):
    """Return the colours as a camera records them: exposure, blur, vignette and sensor noise."""
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    rgb = cv2.GaussianBlur(rgb.astype(np.float32), None, 0.6)
    rgb = rgb * (1 - 0.10 * (x**2 + y**2))[..., None]
    rgb = rgb * rng.normal(1, 0.06) * rng.normal(1, 0.012, 3)
    rgb = np.where(rgb > 0.8, 0.8 + 0.2 * np.tanh((rgb - 0.8) / 0.2), rgb)
    rgb = rgb * 255 + rng.normal(0, 2.2, rgb.shape) + rng.normal(0, 1.5, rgb.shape[:2])[..., None]
    return np.clip(rgb, 0, 255).round().astype(np.uint8)


def generalise(classes, sigma, margin, smallest):
    """Return the class map with smooth outlines, no small specks and a blank border band."""
    votes = np.stack(
        [cv2.GaussianBlur((classes == k).astype(np.float32), None, sigma) for k in range(6)]
    )
    best = votes.argmax(0).astype(np.uint8)
    out = np.zeros_like(best)
    for k in range(1, 6):
        # Padded, since a region may run out of the frame without a border there.
        inside = np.pad(best == k, 8, mode="edge")
        keep = ndimage.distance_transform_edt(inside)[8:-8, 8:-8] > margin
        parts, count = ndimage.label(keep)
        sizes = ndimage.sum_labels(keep, parts, np.arange(count + 1))
        out[keep & (sizes[parts] >= smallest)] = k
    return out


def drawn_labels(classes, rng):
    """Return labels as a person draws them: polygons clear of boundaries, some ground left out."""
    regions = generalise(classes, 5, 4, 1200)
    skip = noise(rng, 110, 2)[CROP]
    # Whoever draws takes more care of what is rare in the picture.
    skip = skip + 3.5 * np.array([(regions == k).mean() for k in range(6)])[regions]
    share = rng.uniform(0.60, 0.70) / (regions > 0).mean()
    allowed = skip <= np.quantile(skip[regions > 0], min(1, share))
    out = np.zeros_like(regions)
    for k in range(1, 6):
        mask = ((regions == k) & allowed).astype(np.uint8)
        mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((15, 15), np.uint8))
        outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        polygons = [cv2.approxPolyDP(line, 2.5, True) for line in outlines]
        drawn = cv2.fillPoly(np.zeros_like(mask), polygons, 1)
        out[(drawn > 0) & (regions == k)] = k
    return out


def write_river(style, out):
    """Write the photographs and labels of one river below `out`."""
    for part, numbers in (("train", TRAIN), ("predict", PREDICT)):
        folder = Path(out) / part
        folder.mkdir(parents=True, exist_ok=True)
        for number in numbers:
            seed = style.first + number - 1
            rgb, classes = make_scene(style, seed)
            name = f"{style.name}_{seed:04d}"
            Image.fromarray(rgb).save(folder / f"{name}.jpg", quality=88)
            if number == UNLABELLED:
                continue
            rng = np.random.default_rng([seed, 1])
            dense = part == "predict"
            labels = generalise(classes, 1.5, 1, 60) if dense else drawn_labels(classes, rng)
            file = folder / f"SCLS_{name}.tif"
            Image.fromarray(labels).save(file, compression="tiff_adobe_deflate")


def main():
    """Write the sample data of both rivers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=Path(__file__).resolve().parent, help="folder to write to")
    args = parser.parse_args()
    for style in (CLEARBROOK, AMBERVALE):
        write_river(style, args.out)


if __name__ == "__main__":
    main()

"""Draw two synthetic rivers as drone photographs with land-cover label rasters.

Classes: 0 unlabelled, 1 water, 2 dry exposed sediment, 3 green vegetation,
4 senescent vegetation, 5 paved road. The scale is about 5 cm per pixel.
"""

import argparse
from functools import partial
from pathlib import Path
from types import SimpleNamespace as Namespace

import cv2
import geopandas
import numpy as np
import pyogrio
import rasterio
import rasterio.features
from PIL import Image
from scipy.spatial import cKDTree
from shapely.geometry import shape
from skimage import draw, measure, morphology

# An image is the centre of a larger canvas, so objects outside the image cast shadows into it.
FULL, CROP = (496, 696), np.s_[48:-48, 48:-48]
WATER, SEDIMENT, GREEN, DRY, ROAD = 1, 2, 3, 4, 5
NAMES = ["", "Water", "Sediment", "Green vegetation", "Senescent vegetation", "Paved road"]
CARS = np.array([(78, 78, 77), (55, 57, 60), (16, 17, 19), (55, 13, 11), (15, 24, 42)]) / 100

# Each field has one value per river. Colours are RGB in 0..1. `sun` is azimuth and elevation in
# degrees. `light` is the colour of sunlight and of skylight. Water has the colour `deep` where no
# light returns from the bed, and `absorb` is its absorption of each colour.
RIVERS = dict(
    name=("Clearbrook", "Ambervale"),
    sun=((-50, 52), (205, 25)),
    light=(((0.74, 0.73, 0.69), (0.34, 0.37, 0.42)), ((0.76, 0.66, 0.50), (0.30, 0.33, 0.39))),
    sky=((0.62, 0.72, 0.80), (0.74, 0.70, 0.62)),
    deep=((0.14, 0.30, 0.28), (0.24, 0.22, 0.12)),
    absorb=((2.3, 0.9, 0.9), (3.4, 4.0, 5.6)),
    stones=(
        ((0.66, 0.66, 0.64), (0.74, 0.73, 0.70), (0.55, 0.56, 0.57), (0.62, 0.58, 0.53)),
        ((0.66, 0.55, 0.40), (0.58, 0.47, 0.35), (0.72, 0.62, 0.46), (0.50, 0.45, 0.40)),
    ),
    sand=((0.72, 0.69, 0.59), (0.74, 0.61, 0.42)),
    sandiness=(-0.6, 0.4),
    leaves=(
        ((0.24, 0.40, 0.13), (0.31, 0.48, 0.16), (0.20, 0.36, 0.17), (0.38, 0.50, 0.18)),
        ((0.27, 0.35, 0.13), (0.34, 0.40, 0.15), (0.23, 0.31, 0.15), (0.42, 0.43, 0.17)),
    ),
    grass=(((0.30, 0.41, 0.17), (0.44, 0.51, 0.25)), ((0.34, 0.41, 0.17), (0.45, 0.48, 0.22))),
    straw=(((0.70, 0.63, 0.46), (0.57, 0.51, 0.34)), ((0.70, 0.59, 0.38), (0.58, 0.47, 0.30))),
    asphalt=((0.47, 0.48, 0.49), (0.45, 0.44, 0.44)),
)
# Each field has one value per river and image. `angle` is the flow direction in degrees, `offset`
# the distance of the channel from the image centre in pixels.
IMAGES = dict(
    angle=((75, 8, -55, 15, 100, -20, 40), (-15, 95, 60, -30, 10, -70, 130)),
    offset=((-90, -70, 60, 20, 40, -75, 0), (75, 60, 90, 0, -80, -30, 10)),
    road=(
        ("beside", "beside", "bridge", "none", "bridge", "beside", "none"),
        ("beside", "bridge", "beside", "none", "beside", "bridge", "none"),
    ),
    dry_share=((0.45, 0.4, 0.5, 0.45, 0.5, 0.45, 0.4), (0.45, 0.5, 0.45, 0.45, 0.45, 0.5, 0.4)),
    trees=((14, 8, 12, 12, 10, 9, 14), (9, 10, 12, 12, 8, 12, 14)),
)
# The relative change of a colour from day to day, as a standard deviation.
SPREAD = dict(deep=0.1, absorb=0.22, grass=0.06, straw=0.06, sand=0.05, leaves=0.06, asphalt=0.05)


def noise(rng, scale, octaves=1):
    """Return smooth noise (mean 0, deviation 1). Each further octave halves scale and weight."""
    total = np.zeros(FULL, np.float32)
    for k in range(octaves):
        size = max(scale / 2**k, 1)
        grid = rng.standard_normal([int(n / size) + 3 for n in FULL]).astype(np.float32)
        big = cv2.resize(grid, None, fx=size, fy=size, interpolation=cv2.INTER_CUBIC)
        total += big[: FULL[0], : FULL[1]] / 2**k
    return (total - total.mean()) / total.std()


def ramp(x, low, high):
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def mix(a, b, weight):
    """Blend two colours or images by a weight map."""
    weight = np.asarray(weight, np.float32)[..., None]
    return np.asarray(a, np.float32) * (1 - weight) + np.asarray(b, np.float32) * weight


def shade(colour, factor):
    """Multiply a colour or an image by a brightness map."""
    return np.asarray(colour) * factor[..., None]


def rotate(angle):
    """Return the coordinates along and across a direction, from the centre of the canvas."""
    y, x = np.mgrid[-248:248, -348:348].astype(np.float32)
    turn = np.deg2rad(angle)
    return x * np.cos(turn) + y * np.sin(turn), -x * np.sin(turn) + y * np.cos(turn)


def vary_style(rng, river, index):
    """Return the style of one image: its layout, and colours that differ from day to day."""
    style = {field: values[river] for field, values in RIVERS.items()}
    style |= {field: values[river][index] for field, values in IMAGES.items()}
    for field, spread in SPREAD.items():
        style[field] = np.array(style[field]) * rng.normal(1, spread) * rng.normal(1, 0.014, 3)
    return Namespace(**style)


def lay_channel(rng, style):
    """Return the maps of a meandering channel.

    These are the flow coordinates `along` and `across`, the distance outside the water `edge`, the
    distance into the `land`, the `level` above the water, and the `riffle` (0..1, fast water).
    """
    along, side = rotate(style.angle)
    length, swing = rng.uniform(520, 680), rng.uniform(38, 60)
    phase = rng.uniform(0, 2 * np.pi, 5)
    wave = 2 * np.pi * along / length + phase[0]
    centre = swing * (np.sin(wave) + 0.25 * np.sin(2.3 * wave + phase[1]))
    slope = swing * 2 * np.pi / length * np.cos(wave)
    across = (side - style.offset - centre) / np.sqrt(1 + slope**2)
    half = rng.uniform(72, 88) * (1 + 0.16 * np.sin(along / 70 + phase[2]))
    edge = np.abs(across) - half + 3 * noise(rng, 30, 3)
    # The inner bank of a bend has a gentle slope and carries the point bar.
    inner = ramp(-np.sin(wave) * np.tanh(across / 40), 0.05, 0.9)
    pool = 0.62 + 0.38 * np.sin(along / rng.uniform(75, 95) + phase[3])
    level = np.where(edge < 0, -pool * (1 - np.exp(edge / (14 + 50 * inner))), edge / 70)
    for _ in range(2):
        place, drift, size = rng.uniform((-280, -25, 0.7), (280, 25, 1.3))
        bar = ((along - place) / (75 * size)) ** 2 + ((across - drift) / (26 * size)) ** 2
        level += 1.25 * np.exp(-bar) * (edge < 0)
    level += 0.07 * noise(rng, 40, 4) * np.exp(-np.abs(edge) / 60)
    land = edge - (4 + 105 * inner + 5 * noise(rng, 40, 3))
    riffle = ramp(0.62 - pool, 0.05, 0.3)
    return Namespace(along=along, across=across, edge=edge, land=land, level=level, riffle=riffle)


def lay_cobbles(rng, coarse, angle):
    """Return the relief of a cobble bed, a random number per stone, and the gaps.

    Stones are balls about random points, longer across the flow. They are cut where they meet.
    """
    spacing = 3.0 + 8.0 * coarse**1.5
    points = rng.uniform(0, FULL, (42000, 2))
    size = spacing[tuple(points.astype(int).T)]
    keep = rng.uniform(size=len(points)) < (3.0 / size) ** 2
    radius = (size * rng.uniform(0.45, 0.9, len(points)))[keep]
    turn = np.deg2rad(angle)
    stretch = [[np.cos(turn), -np.sin(turn) * 1.35], [np.sin(turn), np.cos(turn) * 1.35]]
    rows, cols = np.indices(FULL)
    pixels = np.stack([rows + 0.5 * noise(rng, 5, 2), cols + 0.5 * noise(rng, 5, 2)], -1)
    distance, index = cKDTree(points[keep] @ stretch).query(pixels @ stretch, k=2, workers=2)
    stone, nearest = index[..., 0], distance[..., 0]
    ball = np.sqrt(np.clip(1 - (nearest / radius[stone]) ** 2, 0, 1))
    dome = ball * ramp(distance[..., 1] - nearest, -0.2, 1.8)
    number = rng.uniform(size=len(radius))[stone]
    return dome * spacing * (0.2 + 0.3 * number), number, 1 - ramp(dome, 0.02, 0.45)


def draw_gravel(rng, style, channel):
    """Return the colour and the relief of the river bed and its bars, and the colour of sand."""
    level = np.clip(channel.level, -1, 1)
    coarse = np.clip(0.35 + 0.3 * noise(rng, 90, 2) - 0.25 * level, 0, 1)
    relief, number, gap = lay_cobbles(rng, coarse, style.angle)
    sandy = ramp(noise(rng, 80, 4) + style.sandiness + 0.8 * level, 0.0, 1.2)
    stones = np.array(style.stones)[(number * 997 % 1 * len(style.stones)).astype(int)]
    bed = shade(stones, 0.82 + 0.32 * (number * 89 % 1) + 0.05 * noise(rng, 2))
    grit = shade(np.mean(style.stones, 0), 0.72 + 0.11 * noise(rng, 1.6))
    sand = shade(style.sand, 1 + 0.04 * noise(rng, 2) + 0.05 * noise(rng, 40, 4))
    return mix(mix(bed, grit, 0.85 * gap), sand, 0.92 * sandy), relief * (1 - 0.9 * sandy), sand


def draw_blades(rng, length):
    """Return the texture of grass blades. Their direction varies over the canvas."""
    base, lean = noise(rng, 1), noise(rng, 110) * 1.1
    total, weights = np.zeros(FULL, np.float32), np.full(FULL, 1e-3, np.float32)
    v, u = np.mgrid[-length : length + 1, -length : length + 1]
    for angle in np.linspace(-1.4, 1.4, 7):
        kernel = np.exp(-(((v * np.cos(angle) - u * np.sin(angle)) / 0.7) ** 2))
        weight = np.exp(-(((lean - angle) / 0.35) ** 2))
        total += weight * cv2.filter2D(base, -1, kernel / kernel.sum())
        weights += weight
    return total / weights / (total / weights).std()


def draw_meadow(rng, style, dry):
    """Return the colour and the relief of grassland. It is green outside the `dry` pixels."""
    blades, tufts = draw_blades(rng, 4), noise(rng, 7, 3)
    green = mix(*style.grass, ramp(noise(rng, 60, 4), -1.2, 1.5))
    green = shade(green, 1 + 0.09 * noise(rng, 3, 2) + 0.06 * blades + 0.05 * noise(rng, 16))
    straw = mix(*style.straw, ramp(noise(rng, 25, 4) + 0.5 * tufts, -1, 1.5))
    straw = shade(straw, 1 + 0.09 * blades + 0.05 * tufts + 0.05 * noise(rng, 1.3))
    # Real grass is never pure: green grass has yellow parts, and dry grass has green shoots.
    fade, shoots = (ramp(noise(rng, 50, 4), 0.0, 2.2) for _ in range(2))
    green, straw = mix(green, straw, 0.55 * fade), mix(straw, green, 0.5 * shoots)
    edge = cv2.GaussianBlur(dry.astype(np.float32), None, 5) + 0.12 * noise(rng, 5, 3)
    return mix(green, straw, ramp(edge, 0.3, 0.7)), 0.6 * tufts + 0.22 * blades


def draw_asphalt(rng, style, across, along, half):
    """Return the colour of a worn asphalt road with a dashed centre line and edge lines."""
    grain = 1 + 0.05 * noise(rng, 1.4) + 0.04 * noise(rng, 60, 3)
    tracks = 0.05 * np.exp(-(((np.abs(across) - half * 0.5) / 7) ** 2))
    crack = np.abs(noise(rng, 70, 4) + 0.3 * noise(rng, 9)) < 0.02
    rgb = mix(shade(style.asphalt, grain + tracks), style.asphalt * 0.62, 0.7 * crack)
    patch = (np.abs(across - half * 0.5) < 13) & (np.abs(along - rng.uniform(-250, 500)) < 45)
    rgb = mix(rgb, style.asphalt * 0.78, 0.8 * patch)
    worn = ramp(noise(rng, 5, 3), -1.4, 0.2) * 0.85
    line = (np.abs(across) < 1.8) & (along % 90 < 52) | (np.abs(np.abs(across) - half + 6) < 1.2)
    return mix(rgb, (0.84, 0.83, 0.78), worn * line)


def park_car(rng, scene, across, along, half):
    """Put a car on one lane of the road, in place."""
    place, paint = rng.uniform(-130, 130), rng.choice(CARS)
    u, v = along - place, np.abs(across - half * 0.46)
    body = (u / 40) ** 6 + (v / 16.5) ** 6 < 1
    cabin = ((u + 4) / 25) ** 6 + (v / 13.5) ** 6 < 1
    scene.albedo[body] = paint
    scene.albedo[cabin] = (0.10, 0.12, 0.14)
    scene.albedo[(np.abs(u + 6) < 14) & (v < 12.5)] = paint * 1.05
    scene.height += 13 * body + 9 * cabin
    scene.blank |= body


def locate_road(rng, style):
    """Return the distance of each pixel across and along the centre line of the road."""
    if style.road == "beside":
        along, across = rotate(style.angle + rng.uniform(-6, 6))
        # The road is on the wider bank.
        shift = -np.sign(style.offset) * (np.abs(across[CROP]).max() - 75)
    else:
        along, across = rotate(style.angle + rng.uniform(75, 105))
        shift = rng.uniform(-90, 90)
    return across - shift - rng.uniform(-1, 1) * 1.2e-4 * along**2, along


def lay_road(rng, style, scene, channel, sand):
    """Add the road to the scene, in place, and return the distance from its edge."""
    across, along = locate_road(rng, style)
    half = rng.uniform(39, 44)
    distance = np.abs(across) - half - 0.7 * noise(rng, 12, 3) * (style.road == "beside")
    on_road, cover = distance < 0, ramp(-distance, -0.8, 0.8)
    verge = (distance < 7 + 2.5 * noise(rng, 8, 2)) & (channel.land > 0) & ~on_road
    scene.albedo = mix(scene.albedo, sand * 0.85, 0.75 * verge)
    scene.albedo = mix(scene.albedo, draw_asphalt(rng, style, across, along, half), cover)
    scene.blank |= verge
    if style.road == "bridge":
        # A steep ramp would cast a shadow on the road.
        deck = ramp(channel.edge, 170, 10) * cover
        wall = ramp(-np.abs(distance + 2.5), -3.2, -1.6) * ramp(channel.edge, 50, 45)
        scene.height += 24 * deck + 6 * wall
        scene.albedo = mix(scene.albedo, (0.70, 0.69, 0.66), wall)
        scene.blank |= wall > 0.3
    scene.relief[on_road] = 0
    scene.classes[on_road] = ROAD
    if rng.uniform() < 0.6:
        park_car(rng, scene, across, along, half)
    return distance


def draw_plant(rng, scene, row, col, radius, palette, kind):
    """Draw a tree or shrub as a dome of leaf clumps with a darker rim, in place."""
    tint = rng.choice(palette) * rng.uniform(0.85, 1.1)
    lobes, phase = rng.integers(3, 6), rng.uniform(0, 2 * np.pi)
    low, high = (0, 0, -0.16, 0.06, 0.85), (2 * np.pi, 1, 0.1, 0.17, 1.15)
    for angle, area, lift, size, light in rng.uniform(low, high, (int(40 + radius**2 / 5), 5)):
        reach = np.sqrt(area) * radius * (0.85 + 0.15 * np.sin(lobes * angle + phase))
        y, x, ball = row + reach * np.sin(angle), col + reach * np.cos(angle), max(radius * size, 2)
        dome = np.sqrt(1 - 0.95 * area)
        rows, cols = draw.disk((y, x), ball, shape=FULL)
        top = radius * (0.35 + 0.75 * dome + lift)
        height = top - ball + np.sqrt(ball**2 - (rows - y) ** 2 - (cols - x) ** 2)
        visible = height > scene.height[rows, cols]
        rows, cols = rows[visible], cols[visible]
        scene.height[rows, cols] = height[visible]
        scene.albedo[rows, cols] = tint * (0.72 + 0.3 * dome) * light
        scene.classes[rows, cols] = kind


def scatter_plants(rng, scene, count, sizes, allowed, palette, kind=GREEN):
    """Draw up to `count` plants that stand apart on the `allowed` pixels, in place."""
    placed = []
    for row, col in rng.choice(np.argwhere(allowed), count * 12):
        radius = rng.uniform(*sizes)
        if all(np.hypot(row - r, col - c) > 0.72 * (radius + q) for r, c, q in placed):
            placed.append((row, col, radius))
            draw_plant(rng, scene, row, col, radius, palette, kind)
        if len(placed) == count:
            break


def grow_plants(rng, style, scene, channel, road):
    """Add trees, shrubs and straw tussocks at some distance from the road, in place."""
    bare = scene.height.copy()
    green, dry = ((scene.classes == kind) & (road > 12) for kind in (GREEN, DRY))
    woods = green & (channel.land > 8) & (road > 36) & (noise(rng, 120, 2) > -0.5)
    bars = (scene.classes == SEDIMENT) & (channel.level > 0.25)
    scatter_plants(rng, scene, style.trees, (24, 52), woods, style.leaves)
    scatter_plants(rng, scene, 26, (7, 17), green, style.leaves)
    scatter_plants(rng, scene, 6, (5, 11), dry, style.leaves)
    scatter_plants(rng, scene, 4, (4, 9), bars, style.leaves)
    scatter_plants(rng, scene, 70, (3, 8), dry, style.straw, DRY)
    leafy = scene.height > bare
    scene.relief = np.where(leafy, noise(rng, 1.6) + 0.8 * noise(rng, 3.2), scene.relief)
    scene.albedo = shade(scene.albedo, 1 + leafy * (0.12 * noise(rng, 1.3) + 0.08 * noise(rng, 4)))
    scene.blank &= ~leafy


def illuminate(style, height, relief, flat):
    """Return the light on each pixel as RGB, and the cast shadows. `flat` pixels have no slope."""
    azimuth, elevation = np.deg2rad(style.sun)
    dx, dy, slope = np.cos(azimuth), np.sin(azimuth), np.tan(elevation)
    shadow = np.zeros(FULL, np.float32)
    height = height.astype(np.float32)
    for step in range(2, int(height.max() / slope) + 2, 2):
        # A pixel is in shadow if something towards the sun stands above its ray.
        move = np.float32([[1, 0, -step * dx], [0, 1, -step * dy]])
        seen = cv2.warpAffine(height, move, FULL[::-1], borderMode=cv2.BORDER_REPLICATE)
        np.maximum(shadow, ramp(seen - step * slope - height, 0.0, 3.0), out=shadow)
    shadow = cv2.GaussianBlur(shadow, None, 1.2)
    # A low sun would make fine texture look like high relief.
    gy, gx = (np.clip(g, -1.6, 1.6) for g in np.gradient(height + relief * min(1, slope) ** 0.6))
    steep = np.where(flat, 0, gx**2 + gy**2)
    facing = 1 - np.where(flat, 0, gx * dx + gy * dy) / slope
    sun = np.clip(facing / np.sqrt(1 + steep), 0.05, 1.7) * (1 - 0.94 * shadow)
    sky = 1 / np.sqrt(1 + 0.25 * steep)
    return shade(style.light[0], sun) + shade(style.light[1], sky), shadow


def flow_noise(rng, channel, length, breadth):
    """Return noise of `length` by `breadth` pixels that follows the flow."""
    texture = rng.standard_normal((512, 512)).astype(np.float32)
    texture = cv2.GaussianBlur(texture, None, 1.0, borderType=cv2.BORDER_REFLECT)
    u, v = np.float32(channel.along / length + 200), np.float32(channel.across / breadth + 200)
    return cv2.remap(texture, u, v, cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP) / texture.std()


def draw_water(rng, style, channel, bed, light, shadow):
    """Return the colour of water over a bed: absorption by depth, sky, glint and foam."""
    flow = partial(flow_noise, rng, channel)
    depth = np.clip(-channel.level, 0, None)
    clear = np.exp(-depth[..., None] * style.absorb)
    ripple = 0.6 * flow(5, 2.2) + 0.5 * flow(11, 5) + 0.5 * flow(26, 9)
    rough = 0.4 + 0.8 * channel.riffle + 0.25 * np.clip(noise(rng, 90), -1, 1)
    # Moving water blurs the bed.
    bed = mix(cv2.GaussianBlur(bed, None, 0.7), cv2.GaussianBlur(bed, None, 2.2), ramp(depth, 0, 1))
    rgb = (bed * 0.6 * clear + style.deep * (1 - clear)) * light
    rgb = mix(rgb, style.sky, np.clip(0.08 + 0.055 * ripple * rough, 0, 1))
    sparkle = (0.5 * ripple + 0.9 * flow(3, 1.6)) * rough
    glint = ramp(sparkle + 0.3 * noise(rng, 120), 1.0, 2.6) * (1 - shadow)
    rgb = mix(rgb, np.minimum(np.array(style.sky) * 1.25, 1), 0.6 * glint)
    crest = flow(9, 3) + 0.8 * flow(30, 8) + 0.4 * noise(rng, 2.5) + 0.5 * noise(rng, 45)
    foam = ramp(crest + 2.4 * channel.riffle, 2.0, 5.2) * ramp(depth, 0.02, 0.12)
    foam = foam * (0.55 + 0.45 * ramp(flow(4, 1.8), -1.2, 1.0))
    return mix(rgb, np.array([0.93, 0.94, 0.93]) * (0.35 + 0.6 * light), foam)


def photograph(rng, rgb):
    """Return the colours as a camera records them: exposure, blur, vignette and sensor noise."""
    y, x = np.mgrid[-1:1:400j, -1:1:600j]
    rgb = shade(cv2.GaussianBlur(rgb.astype(np.float32), None, 0.6), 1 - 0.10 * (x**2 + y**2))
    rgb = rgb * rng.normal(1, 0.06) * rng.normal(1, 0.012, 3)
    rgb = np.where(rgb > 0.8, 0.8 + 0.2 * np.tanh((rgb - 0.8) / 0.2), rgb)
    rgb = rgb * 255 + rng.normal(0, 2.2, rgb.shape) + rng.normal(0, 1.5, rgb.shape[:2])[..., None]
    return np.clip(rgb, 0, 255).round().astype(np.uint8)


def make_scene(rng, river, index):
    """Return the photograph and the class map of one image, both uint8."""
    style = vary_style(rng, river, index)
    channel = lay_channel(rng, style)
    ground = channel.land > 0
    patches = noise(rng, 150, 2) + 0.12 * noise(rng, 18, 2)
    dry = ground & (patches > np.quantile(patches[ground], 1 - style.dry_share))
    bed, stones, sand = draw_gravel(rng, style, channel)
    meadow, tufts = draw_meadow(rng, style, dry)
    damp = shade(bed, 0.58 + 0.42 * ramp(channel.level, 0.02, 0.12))
    scene = Namespace(relief=np.where(ground, tufts, stones), blank=np.zeros(FULL, bool))
    scene.albedo = mix(damp, meadow, ramp(channel.land + 2.5 * noise(rng, 5, 2), -3, 3))
    scene.height = 5 * ramp(channel.land, -9, 7) + 3 * np.clip(channel.level, 0, 2)
    cover = [dry, ground, channel.level > 0]
    scene.classes = np.select(cover, [DRY, GREEN, SEDIMENT], WATER).astype(np.uint8)
    road = np.inf if style.road == "none" else lay_road(rng, style, scene, channel, sand)
    grow_plants(rng, style, scene, channel, road)
    wet, flat = scene.classes == WATER, (scene.classes == ROAD) & ~scene.blank
    light, shadow = illuminate(style, scene.height, scene.relief * np.where(wet, 0.3, 1), flat)
    water = draw_water(rng, style, channel, bed, light, shadow)
    rgb = np.where(wet[..., None], water, scene.albedo * light)
    return photograph(rng, rgb[CROP]), (scene.classes * ~scene.blank)[CROP]


def generalise(classes, sigma, margin, smallest):
    """Return the class map with smooth outlines, without small regions and boundary pixels."""
    votes = [cv2.GaussianBlur((classes == k).astype(np.float32), None, sigma) for k in range(6)]
    best = np.argmax(votes, 0).astype(np.uint8)
    around = morphology.disk(margin)
    pure = cv2.erode(best, around) == cv2.dilate(best, around)
    regions = measure.label(best * pure, connectivity=1)
    return best * (pure & (np.bincount(regions.ravel())[regions] >= smallest))


def draw_labels(rng, classes):
    """Return labels as a person draws them: polygons inside the regions, with parts left out."""
    regions = generalise(classes, 5, 4, 1200)
    # A person labels more of the rare classes.
    skip = noise(rng, 110, 2)[CROP] + 3.5 * (np.bincount(regions.ravel()) / regions.size)[regions]
    share = rng.uniform(0.60, 0.70) / (regions > 0).mean()
    allowed = skip <= np.quantile(skip[regions > 0], min(1, share))
    labels = np.zeros_like(regions)
    for k in range(1, 6):
        mask = ((regions == k) & allowed).astype(np.uint8)
        mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((15, 15), np.uint8))
        outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        polygons = [cv2.approxPolyDP(line, 2.5, True) for line in outlines]
        labels += cv2.fillPoly(np.zeros_like(mask), polygons, k) * (regions == k)
    return labels


def write_image(out, river, index):
    """Write one photograph below `out`, with its labels unless it is the last of the river."""
    number = 100 * river + index + 1
    name = f"{RIVERS['name'][river]}_{number:04d}"
    rgb, classes = make_scene(np.random.default_rng(number), river, index)
    if index < 4:
        folder, labels = out / "train", draw_labels(np.random.default_rng([number, 1]), classes)
    else:
        folder, labels = out / "predict", generalise(classes, 1.5, 1, 60)
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb).save(folder / f"{name}.jpg", quality=88)
    if index < 6:
        Image.fromarray(labels).save(folder / f"SCLS_{name}.tif", compression="tiff_adobe_deflate")


def write_ortho(out):
    """Write an orthomosaic of the first river: turned to the north, RGBA, with polygons."""
    rgb, classes = make_scene(np.random.default_rng(8), 0, 5)
    labels = draw_labels(np.random.default_rng([8, 1]), classes)
    height, width = classes.shape
    turned = cv2.getRotationMatrix2D((width / 2, height / 2), 12, 1)
    pixels = cv2.warpAffine(rgb, turned, (width, height), flags=cv2.INTER_CUBIC)
    inside = np.full((height, width), 255, np.uint8)
    alpha = cv2.warpAffine(inside, turned, (width, height), flags=cv2.INTER_NEAREST)
    labels = cv2.warpAffine(labels, turned, (width, height), flags=cv2.INTER_NEAREST)
    transform = rasterio.Affine(0.05, 0, 498_000, 0, -0.05, 5_992_000)
    place = dict(crs="EPSG:32630", transform=transform, height=height, width=width)
    form = dict(driver="GTiff", count=4, dtype="uint8", photometric="RGB", alpha="YES")
    form |= dict(compress="deflate", predictor=2, zlevel=9)
    folder = out / "ortho"
    folder.mkdir(parents=True, exist_ok=True)
    with rasterio.open(folder / "north.tif", "w", **form, **place) as target:
        target.write(np.dstack([pixels * (alpha > 0)[..., None], alpha]).transpose(2, 0, 1))
    outlines = rasterio.features.shapes(labels, labels > 0, transform=transform)
    polygons, codes = zip(*((shape(outline), int(code)) for outline, code in outlines), strict=True)
    layer = geopandas.GeoDataFrame(
        {"class": [NAMES[code] for code in codes]}, geometry=list(polygons)
    )
    # Otherwise the file has the time of writing.
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "1970-01-01T00:00:00Z"})
    path = folder / "polygons.gpkg"
    layer.simplify(0.1).to_frame("geometry").join(layer["class"]).set_crs("EPSG:32630").to_file(
        path
    )


def main():
    """Write the sample data of both rivers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=Path(__file__).parent, help="folder to write to")
    out = Path(parser.parse_args().out)
    for river in range(2):
        for index in range(7):
            write_image(out, river, index)
    write_ortho(out)


if __name__ == "__main__":
    main()

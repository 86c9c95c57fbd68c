-- Which textures are not mip-mapped?
--
-- Renderers read a texture without tiles and levels in full. This query expects textures in folders named `textures`.
--
-- $folder text = textures: The name of texture folders.
SELECT p.file_path, p.type, p.level_mode, p.width, p.height
FROM parts AS p
WHERE p.file_path LIKE concat('%/', $folder, '/%')
  AND coalesce(p.level_mode, 'oneLevel') = 'oneLevel'
ORDER BY 1

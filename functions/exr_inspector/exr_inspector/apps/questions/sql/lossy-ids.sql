-- Which depth and id channels lose precision?
--
-- Depth and Cryptomatte need 32-bit floats and lossless compression; anything else corrupts ids.
SELECT coalesce(f.sequence_key, f.file_path) AS sequence_or_file, c.type, p.compression,
       array_agg(DISTINCT c.name ORDER BY c.name) AS channels,
       count(DISTINCT f.file_id) AS files
FROM channels AS c
JOIN parts AS p ON p.file_id = c.file_id AND p.part_index = c.part_index
JOIN files AS f ON f.file_id = c.file_id
WHERE (c.component_name IN ('Z', 'ZBack') OR lower(c.name) LIKE '%crypto%')
  AND NOT EXISTS (  -- with an X in its layer, Z is a vector component, as in a normal or a position
    SELECT 1 FROM channels AS beside
    WHERE beside.file_id = c.file_id AND beside.layer_name = c.layer_name AND beside.component_name = 'X'
  )
  AND (c.type = 'half' OR p.compression IN ('pxr24', 'b44', 'b44a', 'dwaa', 'dwab'))
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3

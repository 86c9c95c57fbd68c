-- Which sequences have the most layers?
--
-- Show the largest numbers of parts, layers and channels in any frame of each sequence.
WITH counted AS (
  SELECT file_id, count(DISTINCT layer_name) AS layers
  FROM channels
  GROUP BY 1
)
SELECT f.sequence_key,
       max(f.multipart_count) AS parts,
       max(counted.layers) AS layers,
       max(f.channel_count) AS channels
FROM files AS f
JOIN counted ON counted.file_id = f.file_id
WHERE f.sequence_key IS NOT NULL
GROUP BY 1
HAVING max(f.multipart_count) > 1 OR max(counted.layers) > 1
ORDER BY layers DESC, channels DESC, 1
